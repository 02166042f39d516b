/** The OpenAPI document, made from the routes and the schemas that they parse with. */
import { createDocument, type ZodOpenApiPathsObject } from "zod-openapi";
import type { Route } from "../route.ts";
import { about, schemesOf } from "./about.ts";
import { replyHeaders, requestHeaders } from "./headers.ts";
import { operationOf } from "./operation.ts";
import { errorExamples, errorSchemas } from "./replies.ts";
import { refine } from "./schemas.ts";

export type OpenApiDocument = ReturnType<typeof createDocument>;

export const openApiDocument = (routes: readonly Route[], version: string): OpenApiDocument =>
  createDocument(
    {
      openapi: "3.1.1",
      ...about(version, new Set(routes.map(({ tag }) => tag))),
      paths: pathsOf(routes),
      components: {
        securitySchemes: schemesOf(routes),
        headers: replyHeaders,
        parameters: requestHeaders,
        schemas: errorSchemas(routes),
        examples: errorExamples(routes),
      },
    },
    { override: refine, allowEmptySchema: { custom: true } },
  );

function pathsOf(routes: readonly Route[]): ZodOpenApiPathsObject {
  const paths = Map.groupBy(routes, ({ path }) => path);
  return Object.fromEntries(
    Array.from(paths, ([path, ofPath]) => [
      path,
      Object.fromEntries(ofPath.map((route) => [route.method.toLowerCase(), operationOf(route)])),
    ]),
  );
}

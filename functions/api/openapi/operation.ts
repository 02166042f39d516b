/** One operation of the document: a route, in the words of OpenAPI. */
import type { ZodOpenApiOperationObject } from "zod-openapi";
import type { Route } from "../route.ts";
import { securityOf } from "./about.ts";
import { requestHeadersOf } from "./headers.ts";
import { parametersOf } from "./parameters.ts";
import { responsesOf } from "./replies.ts";

export function operationOf(route: Route): ZodOpenApiOperationObject {
  const { operationId, summary, description, tag, access, body } = route;
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    security: securityOf(access),
    requestParams: parametersOf(route),
    parameters: requestHeadersOf(route),
    ...(body === null ? {} : { requestBody: bodyOf(body) }),
    responses: responsesOf(route),
  };
}

const bodyOf = ({ schema, optional, example }: NonNullable<Route["body"]>) => ({
  required: optional !== true,
  content: { "application/json": { schema, example } },
});

/** The API described to machines and to people: the OpenAPI document, and pages to read and try it, all from here. */
import { z } from "zod";
import type { ApiContext, ApiDependencies } from "../context.ts";
import { openApiDocument } from "../openapi/document.ts";
import { docsPage, docsScript, docsStyle } from "../openapi/page.ts";
import { type Route, route } from "../route.ts";

/** Made once, by the first request for it. `routes` is asked late: this route is one of them. */
export function getOpenApi({ version }: Pick<ApiDependencies, "version">, routes: () => readonly Route[]): Route {
  let made: string | undefined;
  return route({
    method: "GET",
    path: "/openapi.json",
    operationId: "getOpenApi",
    tag: "Operations",
    summary: "This document",
    access: "public",
    replies: { 200: { description: "OpenAPI 3.1", schema: documentSchema, example: { openapi: "3.1.1" } } },
    handle: async (_input, c) => {
      made ??= JSON.stringify(openApiDocument(routes(), version));
      return c.body(made, 200, { "Content-Type": "application/json" });
    },
  });
}

const documentSchema = z.looseObject({ openapi: z.literal("3.1.1") });

/** Nothing but our own two files runs, and talks to nobody but us. */
const contentPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const getDocs = (): Route =>
  route({
    ...forReaders,
    path: "/docs",
    operationId: "getDocs",
    summary: "This document, to read and try",
    replies: { 200: { ...page, media: "text/html", example: "<!doctype html>" } },
    handle: async (_input, c) => {
      c.header("Content-Security-Policy", contentPolicy);
      return answer(c, docsPage, "text/html");
    },
  });

export const getDocsStyle = ({ docsFile }: Pick<ApiDependencies, "docsFile">): Route =>
  route({
    ...forReaders,
    path: "/docs/style.css",
    operationId: "getDocsStyle",
    summary: "How /docs looks",
    replies: { 200: { ...page, media: "text/css", example: "body { margin: 0 }" } },
    handle: async (_input, c) => answer(c, `${await docsFile("swagger-ui.css")}\n${docsStyle}`, "text/css", keep),
  });

export const getDocsScript = ({ docsFile }: Pick<ApiDependencies, "docsFile">): Route =>
  route({
    ...forReaders,
    path: "/docs/script.js",
    operationId: "getDocsScript",
    summary: "What runs in /docs",
    replies: { 200: { ...page, media: "text/javascript", example: "SwaggerUIBundle({})" } },
    handle: async (_input, c) =>
      answer(c, `${await docsFile("swagger-ui-bundle.js")}\n${docsScript}`, "text/javascript", keep),
  });

const forReaders = { method: "GET", tag: "Operations", access: "public" } as const;
const page = { description: "Text", schema: z.string() } as const;
const keep = "public, max-age=3600";

function answer(c: ApiContext, text: string, media: string, cache?: string): Response {
  if (cache !== undefined) c.header("Cache-Control", cache);
  return c.body(text, 200, { "Content-Type": `${media}; charset=utf-8` });
}

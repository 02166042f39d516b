/** The files of Swagger UI out of the bundle of the Worker: a program that never shows the docs never loads them. */
/// <reference path="./files.d.ts" />

const files = {
  "swagger-ui.css": () => import("swagger-ui-dist/swagger-ui.css"),
  "swagger-ui-bundle.js": () => import("swagger-ui-dist/swagger-ui-bundle.js"),
} as const;

export type SwaggerFile = keyof typeof files;

export const readSwaggerFile = async (name: SwaggerFile): Promise<string> => (await files[name]()).default;

/** The document and the interactive docs, out of the bundle of the Worker. */
import { SELF } from "cloudflare:test";
import { expect, test } from "vitest";

test.each([
  ["/docs", "text/html; charset=utf-8", "/docs/script.js"],
  ["/docs/script.js", "text/javascript; charset=utf-8", "SwaggerUIBundle({"],
  ["/docs/style.css", "text/css; charset=utf-8", ".swagger-ui"],
  ["/openapi.json", "application/json", '"openapi":"3.1.1"'],
])("the runtime serves %s", async (path, type, part) => {
  const reply = await SELF.fetch(`https://api.test${path}`);
  expect({ status: reply.status, type: reply.headers.get("content-type") }).toEqual({ status: 200, type });
  expect(await reply.text()).toContain(part);
});

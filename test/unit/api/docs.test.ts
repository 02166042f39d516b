/** The interactive docs: a page that runs our files only, and talks to us only. */
import { describe, expect, it } from "vitest";
import { startApi } from "../../support/api-fixture.ts";

const get = async (path: string) => {
  const { app } = await startApi();
  const reply = await app.request(path);
  return { status: reply.status, headers: reply.headers, text: await reply.text() };
};

describe("the docs", () => {
  it("load nothing from anywhere else", async () => {
    const page = await get("/docs");
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const targets = Array.from(page.text.matchAll(/(?:src|href)="([^"]+)"/g), ([, target]) => target);
    expect(targets).toEqual(["data:,", "/docs/style.css", "/openapi.json", "/docs/script.js"]);
    expect(page.text).not.toMatch(/<style|<script>|\son\w+=/);
  });

  it("let a browser run these files, and ask this server, and nothing more", async () => {
    const policy = (await get("/docs")).headers.get("content-security-policy") ?? "";
    expect(policy.split("; ").toSorted()).toEqual([
      "base-uri 'none'",
      "connect-src 'self'",
      "default-src 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "img-src 'self' data:",
      "script-src 'self'",
      "style-src 'self'",
    ]);
    for (const path of ["/docs/script.js", "/openapi.json", "/health", "/docs/nothing"]) {
      expect((await get(path)).headers.get("content-security-policy")).toBe(
        "default-src 'none'; frame-ancestors 'none'",
      );
    }
  });

  it.each([
    ["/docs/script.js", "text/javascript; charset=utf-8", "SwaggerUIBundle({"],
    ["/docs/style.css", "text/css; charset=utf-8", ".swagger-ui .wrapper { max-width"],
  ])("serve %s, with our part at its end", async (path, type, ours) => {
    const { status, headers, text } = await get(path);
    expect({ status, type: headers.get("content-type") }).toEqual({ status: 200, type });
    expect(text.slice(-2_000)).toContain(ours);
    expect(text.length).toBeGreaterThan(100_000);
  });
});

/** Who may call what: a route that does not say so is no route, and nothing under /v1 is open. */
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Access, type Route, reply, route } from "../../../functions/api/route.ts";
import { scopes } from "../../../schema/scopes.ts";
import { type Api, startApi } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

const plain = {
  method: "GET",
  path: "/v1/nothing",
  operationId: "getNothing",
  tag: "Operations",
  summary: "Nothing",
  replies: { 200: { description: "Nothing", schema: z.null() } },
  handle: async () => reply(200, null),
} as const;

/** These lines compile only while each marked one is an error: a route must say who may call, in one of the words. */
export const declared: readonly Route[] = [
  route({ ...plain, access: "workloads:read" }),
  // @ts-expect-error who may call is missing
  route({ ...plain }),
  // @ts-expect-error there is no such scope
  route({ ...plain, access: "workloads:delete" }),
  // @ts-expect-error nobody may leave it open by leaving it out
  route({ ...plain, access: undefined }),
];

const known: readonly Access[] = ["public", "metrics", "pool", "watcher", ...scopes];
const open = ["GET /", "GET /health", "GET /ready", "GET /openapi.json"];

describe("every route", () => {
  let api: Api;
  beforeAll(async () => {
    api = await startApi();
  });
  const nameOf = ({ method, path }: Route) => `${method} ${path}`;
  const pathOf = ({ path }: Route) => path.replaceAll(/\{\w+\}/g, "x");

  it("says who may call it", () => {
    expect(api.routes.length).toBeGreaterThan(0);
    for (const one of api.routes) expect(known, nameOf(one)).toContain(one.access);
  });

  it("under /v1 is for somebody, under /v1/admin for the operator, under /v1/agents for agents", () => {
    for (const one of api.routes) {
      const { path, access } = one;
      if (path.startsWith("/v1/")) expect(access, nameOf(one)).not.toBe("public");
      expect(access === "admin", nameOf(one)).toBe(path.startsWith("/v1/admin/"));
      expect(access === "pool", nameOf(one)).toBe(path.startsWith("/v1/agents/"));
    }
  });

  it("that is open is known by name, or a page of the docs", () => {
    const names = api.routes.filter(({ access }) => access === "public").map(nameOf);
    expect(names.filter((name) => !name.startsWith("GET /docs")).toSorted()).toEqual(open.toSorted());
  });

  it("that is not open refuses who shows nothing, and who shows something wrong", async () => {
    for (const one of api.routes.filter(({ access }) => access !== "public")) {
      const headers = {
        "cf-connecting-ip": nameOf(one)
          .replaceAll(/[^0-9a-f]/g, "")
          .slice(0, 4),
      };
      await expectRefused(await api.send(one.method, pathOf(one), { headers }), 401, "UNAUTHORIZED");
      await expectRefused(await api.send(one.method, pathOf(one), { headers, key: "x" }), 401, "UNAUTHORIZED");
    }
  });

  it("of a customer refuses the operator, and every route of the operator's refuses a customer", async () => {
    const { key } = await api.addCustomer({ scopes: [...scopes] });
    for (const one of api.routes) {
      if (["public", "metrics", "pool"].includes(one.access)) continue;
      const shown = one.access === "admin" ? key : api.adminKey;
      await expectRefused(await api.send(one.method, pathOf(one), { key: shown }), 403, "FORBIDDEN");
    }
  });

  it("takes each scope for what it is and no other", async () => {
    for (const one of api.routes) {
      const { access } = one;
      if (access === "admin" || !scopes.some((scope) => scope === access)) continue;
      const { key } = await api.addCustomer({ scopes: scopes.filter((scope) => scope !== access) });
      await expectRefused(await api.send(one.method, pathOf(one), { key }), 403, "FORBIDDEN");
    }
  });

  it("allows no other origin to read it", async () => {
    const headers = { origin: "https://elsewhere.test", "access-control-request-method": "GET" };
    for (const one of api.routes) {
      for (const method of [one.method, "OPTIONS"]) {
        const { headers: shown } = await api.send(method, pathOf(one), { headers });
        expect([...shown.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
      }
    }
  });
});

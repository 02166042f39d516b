/** Who watches may show a token in the header, in the query, or in a first message: judged the same in each place. */
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import type { ApiEnv, Principal } from "../../../functions/api/context.ts";
import { createFailures } from "../../../functions/api/identity/failures.ts";
import type { IdentifyToken } from "../../../functions/api/identity/identity.ts";
import { createDoors } from "../../../functions/api/live/doors.ts";
import { createReadBuckets } from "../../../functions/api/middleware/rate-limit.ts";
import { requestId } from "../../../functions/api/middleware/request-id.ts";
import { admitWatcher } from "../../../functions/api/middleware/watcher.ts";
import { createIdSource, secureRandom } from "../../../schema/ids.ts";
import {
  failuresBurst,
  failuresPerSecond,
  watchDoorsMax,
  watchDoorsOfAddressMax,
  watchTokenSeconds,
} from "../../../schema/limits.ts";
import { readRateFactor } from "../../../schema/tiers.ts";
import { slowLimits, startedAt } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

const ids = createIdSource(() => startedAt, secureRandom);
const upgrade = { upgrade: "WebSocket" };
const customer = { customerId: ids.customer(), suspended: false, limits: slowLimits({ submitBurst: 1 }) };
const reader: Principal = { id: "reader", scopes: ["workloads:read"], expiresAt: null, customer };
const principals: Readonly<Record<string, Principal>> = {
  reader,
  writer: { ...reader, id: "writer", scopes: ["workloads:write"] },
  suspended: { ...reader, id: "suspended", customer: { ...customer, suspended: true } },
  operator: { id: "operator", scopes: ["admin"], expiresAt: null, customer: null },
};

/** Answers who was admitted, or what the door says of the body. */
function startDoor() {
  const identify: IdentifyToken = async (token) => {
    const value = principals[token];
    return value === undefined ? { ok: false, refusal: { kind: "unauthenticated" } } : { ok: true, value };
  };
  const app = new Hono<ApiEnv>();
  app.use(requestId(() => "req_1"));
  app.all(
    "/",
    admitWatcher(
      identify,
      createReadBuckets(() => startedAt),
      createDoors(createFailures(() => startedAt)),
    ),
    async (c) => {
      const { admitted, admit } = c.var.watcherDoor;
      const later = await admit(c.req.header("first-message") ?? "");
      return c.json({ admitted: admitted?.principal.id ?? null, later: later.ok ? "admitted" : later.refusal.kind });
    },
  );
  return (path: string, headers: Record<string, string> = {}) => app.request(path, { headers });
}

describe("a watcher", () => {
  it("is known by the header, or by the query, and the header wins", async () => {
    const ask = startDoor();
    const admitted = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).json();
    expect(await admitted("/", { authorization: "Bearer reader" })).toMatchObject({ admitted: "reader" });
    expect(await admitted("/?token=reader")).toMatchObject({ admitted: "reader" });
    const both = await ask("/?token=reader", { authorization: "Bearer stranger" });
    await expectRefused(both, 401, "UNAUTHORIZED");
  });

  it.each([
    ["stranger", 401, "UNAUTHORIZED", "unauthenticated"],
    ["writer", 403, "FORBIDDEN", "forbidden"],
    ["suspended", 403, "FORBIDDEN", "customer_suspended"],
    ["operator", 403, "FORBIDDEN", "forbidden"],
  ] as const)("is refused as %s in every place", async (token, status, code, kind) => {
    const ask = startDoor();
    await expectRefused(await ask(`/?token=${token}`, upgrade), status, code);
    await expectRefused(await ask("/", { ...upgrade, authorization: `Bearer ${token}` }), status, code);
    const later = await ask("/", { ...upgrade, "first-message": token });
    expect(await later.json()).toEqual({ admitted: null, later: kind });
  });

  it("that shows nothing is waited for only where a first message can come", async () => {
    const ask = startDoor();
    await expectRefused(await ask("/"), 401, "UNAUTHORIZED");
    await expectRefused(await ask("/?token="), 401, "UNAUTHORIZED");
    const waited = await ask("/", { ...upgrade, "first-message": "reader" });
    expect(await waited.json()).toEqual({ admitted: null, later: "admitted" });
  });

  it("is counted as a reader, wherever the token was", async () => {
    const ask = startDoor();
    for (let left = readRateFactor - 1; left > 0; left -= 2) {
      const reply = await ask("/?token=reader", { "first-message": "reader" });
      expect(reply.headers.get("x-ratelimit-remaining")).toBe(String(left));
      expect(await reply.json()).toEqual({ admitted: "reader", later: "admitted" });
    }
    await expectRefused(await ask("/?token=reader"), 429, "RATE_LIMITED");
    const later = await ask("/", { ...upgrade, "first-message": "reader" });
    expect(await later.json()).toEqual({ admitted: null, later: "rate_limited" });
  });
});

describe("a line that waits for its first message", () => {
  const limited = (retryAfterSeconds: number) => ({
    ok: false,
    refusal: { kind: "rate_limited", retryAfterSeconds },
  });
  function startDoors() {
    const failures = createFailures(() => startedAt);
    const open = createDoors(failures);
    const opened = (address: string) => {
      const door = open(address);
      if (!door.ok) throw new Error(`refused: ${door.refusal.kind}`);
      return door.value;
    };
    return { failures, open, opened };
  }

  it("is one of so many of its address", () => {
    const { open, opened } = startDoors();
    const ends = Array.from({ length: watchDoorsOfAddressMax }, () => opened("a"));
    expect(open("a")).toEqual(limited(watchTokenSeconds));
    expect(open("b").ok).toBe(true);
    ends[0]?.(true);
    expect(open("a").ok).toBe(true);
    expect(open("a").ok).toBe(false);
  });

  it("is one of so many of all addresses", () => {
    const { open, opened } = startDoors();
    const ends = Array.from({ length: watchDoorsMax }, (_, n) => opened(`address-${n}`));
    expect(open("b")).toEqual({ ok: false, refusal: { kind: "doors_full" } });
    ends[0]?.(true);
    expect(open("b").ok).toBe(true);
  });

  it("without a token is counted as a wrong one is, and one with a token is not", () => {
    const { failures, open, opened } = startDoors();
    for (let n = 0; n < failuresBurst; n++) opened("a")(true);
    for (let n = 0; n < failuresBurst; n++) opened("a")(false);
    expect(open("a")).toEqual(limited(1 / failuresPerSecond));
    expect(failures.wait("a")).toBe(1 / failuresPerSecond);
    expect(open("b").ok).toBe(true);
  });
});

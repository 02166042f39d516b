/** The bindings of the Worker: defaults, and complaints that name the binding but never its value. */
import { expect, it } from "vitest";
import { readEnv } from "../../functions/env.ts";

const namespace = { getByName: () => ({}) };
const bindings = {
  DATABASE_URL: "postgres://user:secret@localhost/niyanta",
  NATS_URL: "ws://127.0.0.1:9222",
  ADMIN_KEY_HASH: "0".repeat(64),
  AGENT_TOKEN: "0123456789abcdef",
  CUSTOMER_COORDINATOR: namespace,
  POOL_SCHEDULER: namespace,
};

it("needs only what has no default", () => {
  expect(readEnv({ ...bindings, METRICS_TOKEN: "" })).toMatchObject({
    NIYANTA_POOLS: ["default"],
    NEON_FETCH_ENDPOINT: null,
    METRICS_TOKEN: null,
    LEASE_SECONDS: 15,
    LOG_LEVEL: "info",
  });
});

it("reads lists and numbers from text", () => {
  const env = readEnv({ ...bindings, NIYANTA_POOLS: "default, gpu", LEASE_SECONDS: "6", HEARTBEAT_SECONDS: "2" });
  expect(env).toMatchObject({ NIYANTA_POOLS: ["default", "gpu"], LEASE_SECONDS: 6, HEARTBEAT_SECONDS: 2 });
});

it.each([
  ["DATABASE_URL", undefined],
  ["NATS_URL", "nats://hidden:4222"],
  ["NIYANTA_POOLS", "Hidden Pool"],
  ["ADMIN_KEY_HASH", "hidden"],
  ["AGENT_TOKEN", "hidden"],
  ["LEASE_SECONDS", "3"],
  ["LOG_LEVEL", "hidden"],
  ["CUSTOMER_COORDINATOR", {}],
])("refuses a wrong %s by name", (name, value) => {
  expect(() => readEnv({ ...bindings, [name]: value })).toThrow(name);
  expect(() => readEnv({ ...bindings, [name]: value })).not.toThrow(/hidden/i);
});

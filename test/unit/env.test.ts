/** The bindings of the Worker: defaults, and complaints that name the binding but never its value. */
import { expect, it } from "vitest";
import { readEnv } from "../../functions/env.ts";

const namespace = { getByName: () => ({}) };
const bindings = {
  DATABASE_URL: "postgres://user:secret@localhost/niyanta",
  NATS_URL: "ws://127.0.0.1:9222",
  ADMIN_KEY_HASH: "0".repeat(64),
  NATS_ACCOUNT_SEED: `SA${"A".repeat(56)}`,
  POOL_TOKEN_HASHES: `default=${"1".repeat(64)}`,
  CUSTOMER_COORDINATOR: namespace,
  POOL_SCHEDULER: namespace,
};

it("needs only what has no default", () => {
  expect(readEnv({ ...bindings, METRICS_TOKEN: "" })).toMatchObject({
    NIYANTA_POOLS: ["default"],
    NEON_FETCH_ENDPOINT: null,
    METRICS_TOKEN: null,
    METRICS_PUBLIC: false,
    NATS_PUBLIC_URL: null,
    NATS_ACCOUNT: null,
    AGENT_CREDENTIAL_SECONDS: 3_600,
    LEASE_SECONDS: 15,
    LOG_LEVEL: "info",
    WORKLOAD_RETENTION_DAYS: 90,
    AUDIT_RETENTION_DAYS: 365,
    LOG_RETENTION_DAYS: 7,
    WORKER_RETENTION_DAYS: 7,
  });
});

it("reads lists and numbers from text", () => {
  const env = readEnv({ ...bindings, NIYANTA_POOLS: "default, gpu", LEASE_SECONDS: "6", HEARTBEAT_SECONDS: "2" });
  expect(env).toMatchObject({ NIYANTA_POOLS: ["default", "gpu"], LEASE_SECONDS: 6, HEARTBEAT_SECONDS: 2 });
});

it("takes several tokens for one pool, so that one can take another's place", () => {
  const [old, young, gpu] = ["1", "2", "3"].map((digit) => digit.repeat(64));
  const text = `default=${old}, default=${young},gpu=${gpu}`;
  const { POOL_TOKEN_HASHES } = readEnv({ ...bindings, NIYANTA_POOLS: "default,gpu", POOL_TOKEN_HASHES: text });
  expect([...POOL_TOKEN_HASHES]).toEqual([
    ["default", [old, young]],
    ["gpu", [gpu]],
  ]);
});

it("opens the metrics to everybody only where that is said, and no token with it", () => {
  expect(readEnv({ ...bindings, METRICS_PUBLIC: "" }).METRICS_PUBLIC).toBe(false);
  expect(readEnv({ ...bindings, METRICS_PUBLIC: "false", METRICS_TOKEN: "hidden" }).METRICS_PUBLIC).toBe(false);
  expect(readEnv({ ...bindings, METRICS_PUBLIC: "true" }).METRICS_PUBLIC).toBe(true);
  expect(() => readEnv({ ...bindings, METRICS_PUBLIC: "true", METRICS_TOKEN: "hidden" })).toThrow("METRICS_PUBLIC");
});

it.each([
  ["DATABASE_URL", undefined],
  ["NATS_URL", "nats://hidden:4222"],
  ["NIYANTA_POOLS", "Hidden Pool"],
  ["ADMIN_KEY_HASH", "hidden"],
  ["NATS_PUBLIC_URL", "https://hidden"],
  ["NATS_ACCOUNT_SEED", `SU${"HIDDEN".padEnd(56, "A")}`],
  ["NATS_ACCOUNT", "AHIDDEN"],
  ["AGENT_CREDENTIAL_SECONDS", "59"],
  ["WORKLOAD_RETENTION_DAYS", "0"],
  ["AUDIT_RETENTION_DAYS", "3651"],
  ["LOG_RETENTION_DAYS", "1.5"],
  ["AGENT_CREDENTIAL_SECONDS", "86401"],
  ["POOL_TOKEN_HASHES", ""],
  ["POOL_TOKEN_HASHES", "default=hidden"],
  ["POOL_TOKEN_HASHES", `hidden=${"1".repeat(64)}`],
  ["LEASE_SECONDS", "3"],
  ["LOG_LEVEL", "hidden"],
  ["METRICS_PUBLIC", "hidden"],
  ["CUSTOMER_COORDINATOR", {}],
])("refuses a wrong %s by name", (name, value) => {
  expect(() => readEnv({ ...bindings, [name]: value })).toThrow(name);
  expect(() => readEnv({ ...bindings, [name]: value })).not.toThrow(/hidden/i);
});

const sharedSecret = "hidden".repeat(6);
const shared = {
  JWT_ISSUER: "https://issuer.test",
  JWT_AUDIENCE: "niyanta",
  JWT_ALGORITHM: "HS256",
  JWT_SECRET: sharedSecret,
};
const jwks = { ...shared, JWT_ALGORITHM: "RS256", JWT_SECRET: "", JWT_JWKS_URL: "https://issuer.test/keys" };

it("trusts no issuer of tokens unless it is told of one", () => {
  expect(readEnv({ ...bindings, JWT_ISSUER: "", JWT_TYP: "" }).JWT).toBeNull();
});

it("reads whose tokens are believed, with a shared secret or with public keys", () => {
  const claims = { issuer: "https://issuer.test", audience: "niyanta" };
  expect(readEnv({ ...bindings, ...shared }).JWT).toEqual({
    ...claims,
    algorithm: "HS256",
    typ: "JWT",
    keys: { secret: sharedSecret },
  });
  expect(readEnv({ ...bindings, ...jwks, JWT_TYP: "at+jwt" }).JWT).toEqual({
    ...claims,
    algorithm: "RS256",
    typ: "at+jwt",
    keys: { jwksUrl: "https://issuer.test/keys" },
  });
  expect(readEnv({ ...bindings, ...jwks, JWT_JWKS_URL: "http://127.0.0.1:8080/keys" }).JWT).not.toBeNull();
});

it.each([
  ["JWT_ISSUER", { ...shared, JWT_ISSUER: "" }],
  ["JWT_AUDIENCE", { ...shared, JWT_AUDIENCE: undefined }],
  ["JWT_ALGORITHM", { ...shared, JWT_ALGORITHM: "" }],
  ["JWT_ALGORITHM", { ...shared, JWT_ALGORITHM: "none" }],
  ["JWT_ALGORITHM", { ...shared, JWT_ALGORITHM: "RS256,HS256" }],
  ["JWT_SECRET", { ...shared, JWT_SECRET: "" }],
  ["JWT_SECRET", { ...shared, JWT_SECRET: "hidden" }],
  ["JWT_SECRET", { ...jwks, JWT_SECRET: sharedSecret }],
  ["JWT_JWKS_URL", { ...jwks, JWT_JWKS_URL: "" }],
  ["JWT_JWKS_URL", { ...jwks, JWT_JWKS_URL: "http://hidden.test/keys" }],
  ["JWT_JWKS_URL", { ...jwks, JWT_JWKS_URL: "hidden" }],
  ["JWT_JWKS_URL", { ...shared, JWT_JWKS_URL: "https://issuer.test/hidden" }],
  ["JWT_ISSUER", { JWT_TYP: "hidden" }],
])("refuses a %s that does not fit the others, by name", (name, jwt) => {
  expect(() => readEnv({ ...bindings, ...jwt })).toThrow(name);
  expect(() => readEnv({ ...bindings, ...jwt })).not.toThrow(/hidden/i);
});

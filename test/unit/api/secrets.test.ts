/** No secret in a log line: every place where one may come in, while everything that can fail fails. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { newKey } from "../../../schema/api-key.ts";
import { type Api, poolToken, startApi } from "../../support/api-fixture.ts";
import { TokenIssuer } from "../../support/token-issuer.ts";

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await TokenIssuer.start();
});
afterAll(() => issuer.stop());

const metricsToken = "the-token-for-metrics";
/** What must not be found, nor a part of it that says enough. */
const partsOf = (secret: string): string[] =>
  [secret.slice(-24), secret.slice(-48, -8)].filter((part) => part.length > 12);

async function secretsOf(api: Api): Promise<string[]> {
  const { customerId, key } = await api.addCustomer();
  const { key: expired } = await api.addKey(customerId, { expiresAt: api.clock() });
  return [
    key,
    expired,
    await newKey(customerId),
    await newKey("admin"),
    api.adminKey,
    await issuer.sign(api.clock(), { claims: { customer_id: customerId } }),
    await issuer.sign(api.clock(), { claims: { customer_id: customerId }, without: ["sub"] }),
    await issuer.sign(api.clock(), { claims: { customer_id: customerId }, header: { kid: "unknown" } }),
    await poolToken("gpu"),
    metricsToken,
  ];
}

/** As the credential of every route, in every place; and in some where it does not belong. */
async function showEverywhere(api: Api, secret: string, address: string): Promise<void> {
  for (const [index, { method, path }] of api.routes.entries()) {
    const url = path.replaceAll(/\{\w+\}/g, "wl_01jd3v8q4x5r6t7y8a9b0c1d2e");
    const json = method === "GET" ? {} : { json: { pool: "gpu", workload_type: "noop" } };
    // Never refused for how often it came.
    const headers = { "cf-connecting-ip": `${address}.${index}` };
    await api.send(method, url, { ...json, headers, key: secret });
    await api.send(method, `${url}?token=${encodeURIComponent(secret)}`, { ...json, headers });
    await api.send(method, url, {
      ...json,
      headers: { ...headers, authorization: `Basic ${secret}`, traceparent: secret },
    });
  }
  await api.send("GET", `/v1/workloads?cursor=${secret}`, { key: secret });
  await api.send("POST", "/v1/workloads", { key: secret, body: `{"${secret}": ${secret}` });
}

it.each(["up", "down", "broken"] as const)(
  "no secret stands in a log line while the database is %s",
  async (database) => {
    const api = await startApi({ jwt: issuer.trust, metrics: { isPublic: false, token: metricsToken } });
    const secrets = await secretsOf(api);
    api.memory.takesTouches = false;
    // What is right is known by then, so that what comes after it fails too.
    for (const key of secrets)
      await api.send("GET", "/v1/workloads", { key, headers: { "cf-connecting-ip": "10.1.0.1" } });
    api.memory.faults.database = database;
    api.memory.faults.leader = database === "up" ? "up" : "down";
    issuer.answer = database === "broken" ? "hang up" : "keys";
    for (const [index, secret] of secrets.entries()) await showEverywhere(api, secret, `10.0.${index}`);
    await api.settled();
    expect(api.logged.length).toBeGreaterThan(0);
    const lines = api.logged.join("\n");
    for (const part of secrets.flatMap(partsOf)) expect(lines.includes(part), part).toBe(false);
  },
);

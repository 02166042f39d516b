/** Who asks, in the real runtime: tokens whose keys are fetched from their issuer, and what is written beside a reply. */
import { SELF } from "cloudflare:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { closeCodes } from "../../schema/http/live.ts";
import type { CustomerId } from "../../schema/ids.ts";
import { failuresBurst, watchDoorsOfAddressMax, watchTokenMessageLengthMax } from "../../schema/limits.ts";
import * as world from "./world.ts";

const tokenSeconds = 60;

afterEach(() => world.endObjects());

const statusOf = async (token: string): Promise<number> => {
  const reply = await SELF.fetch("https://api.test/v1/workloads", {
    headers: { authorization: `Bearer ${token}`, "cf-connecting-ip": "203.0.113.1" },
  });
  await reply.text();
  return reply.status;
};

const sign = (customerId: CustomerId, key: CryptoKey, kid: string): Promise<string> =>
  new SignJWT({ customer_id: customerId, scope: "workloads:read" })
    .setProtectedHeader({ alg: "ES256", kid, typ: "JWT" })
    .setIssuer("https://issuer.test")
    .setAudience("niyanta")
    .setSubject("user-1")
    .setIssuedAt()
    .setExpirationTime(`${tokenSeconds}s`)
    .sign(key);

describe("a token of the trusted issuer", () => {
  test("opens what is its customer's, and one that another has signed does not", async () => {
    const customerId = await world.newCustomer();
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const stranger = await generateKeyPair("ES256");
    await world.showKeys([{ ...(await exportJWK(publicKey)), kid: "key-1", alg: "ES256", use: "sig" }]);
    expect(await statusOf(await sign(customerId, privateKey, "key-1"))).toBe(200);
    expect(await statusOf(await sign(customerId, stranger.privateKey, "key-1"))).toBe(401);
  });
});

describe("a key", () => {
  test("is written to have been in use, after the reply", async () => {
    const key = await world.newKey(await world.newCustomer());
    expect(await world.lastUsed(key)).toBeNull();
    expect(await statusOf(key)).toBe(200);
    await vi.waitUntil(() => world.lastUsed(key), { timeout: 10_000 });
  });
});

const open = (address: string): Promise<Response> =>
  SELF.fetch("https://api.test/v1/ws/workloads", {
    headers: { upgrade: "websocket", "cf-connecting-ip": address },
  });

/** What becomes of a line on which that is the first message. */
async function closedAfter(address: string, message: string): Promise<number> {
  const { webSocket, status } = await open(address);
  if (webSocket === null) throw new Error(`no socket, but ${status}`);
  const closed = new Promise<number>((resolve) => webSocket.addEventListener("close", ({ code }) => resolve(code)));
  webSocket.accept();
  webSocket.send(message);
  return closed;
}

describe("many who come at once", () => {
  test("wait for one reading of the issuer's keys, and for one another's failures", async () => {
    const customerId = await world.newCustomer();
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    await world.showKeys([{ ...(await exportJWK(publicKey)), kid: "key-2", alg: "ES256", use: "sig" }]);
    const keys = await Promise.all(Array.from({ length: 2 * failuresBurst }, () => world.newKey(customerId)));
    expect(new Set(await Promise.all(keys.map(statusOf)))).toEqual(new Set([200]));
    const unknown = await Promise.all(keys.map((_, n) => sign(customerId, privateKey, `unknown-${n}`)));
    const statuses = await Promise.all(unknown.map(statusOf));
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(failuresBurst);
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
  });
});

describe("a WebSocket without a token", () => {
  test("is opened so often at once to one address, and again when one has said who it is", async () => {
    const address = "203.0.113.2";
    const key = await world.newKey(await world.newCustomer());
    const waiting = await Promise.all(Array.from({ length: watchDoorsOfAddressMax }, () => open(address)));
    expect(new Set(waiting.map(({ status }) => status))).toEqual(new Set([101]));
    expect((await open(address)).status).toBe(429);
    expect((await open("203.0.113.3")).status).toBe(101);
    for (const { webSocket } of waiting) webSocket?.accept();
    const [first] = waiting;
    const hello = new Promise<string>((resolve) =>
      first?.webSocket?.addEventListener("message", ({ data }) => resolve(String(data))),
    );
    first?.webSocket?.send(JSON.stringify({ token: key }));
    expect(JSON.parse(await hello)).toMatchObject({ type: "hello" });
    expect((await open(address)).status).toBe(101);
    for (const { webSocket } of waiting) webSocket?.close(1000, "enough");
  });

  test("is closed for a first message that is none or too long, and so counted", async () => {
    const address = "203.0.113.4";
    const long = JSON.stringify({ token: "x", padding: "x".repeat(watchTokenMessageLengthMax) });
    const late = { message: "no JSON", code: closeCodes.tokenLate };
    const garbage = { message: '{"token":"garbage"}', code: closeCodes.unauthorized };
    const wrong = [late, { message: long, code: closeCodes.tokenLate }, garbage];
    for (let n = 0; n < failuresBurst; n++) {
      const { message, code } = wrong[n % wrong.length] ?? late;
      expect(await closedAfter(address, message)).toBe(code);
    }
    expect((await open(address)).status).toBe(429);
  });
});

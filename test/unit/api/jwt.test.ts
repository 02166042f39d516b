/** JSON Web Tokens: whose are believed, what they may, and what happens while their issuer is away. */
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  apiKeyCacheSeconds,
  bearerTokenLengthMax,
  jwksAgeSecondsMax,
  jwksCooldownSeconds,
  jwksOutageSecondsMax,
  jwksRetrySeconds,
  jwtToleranceSeconds,
} from "../../../schema/limits.ts";
import { type Api, startApi, startedAt } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";
import {
  audienceName,
  claimsAt,
  criticalParameter,
  issuerName,
  type Signing,
  TokenIssuer,
} from "../../support/token-issuer.ts";

const list = (api: Api, key: string) => api.send("GET", "/v1/workloads", { key });
const statusOf = async (api: Api, key: string) => (await list(api, key)).status;

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const at = startedAt / 1_000;

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await TokenIssuer.start();
});
afterAll(() => issuer.stop());

/** An API that trusts an issuer, with one customer. */
async function startTrusting(trusted = issuer) {
  const api = await startApi({ jwt: trusted.trust });
  const { customerId } = await api.addCustomer();
  const sign = (signing: Signing = {}) =>
    trusted.sign(api.clock(), { ...signing, claims: { customer_id: customerId, ...signing.claims } });
  return { api, customerId, sign };
}

describe("a token", () => {
  it("of a customer does what its scopes say, and is named by its subject in the trail", async () => {
    const { api, sign } = await startTrusting();
    const key = await sign();
    const created = await api.send("POST", "/v1/workloads", { key, json: { workload_type: "noop" } });
    expect(created.status).toBe(202);
    const { workload_id } = (await created.json()) as { workload_id: string };
    const trail = await api.send("GET", `/v1/workloads/${workload_id}/audit`, { key });
    expect(await trail.json()).toMatchObject({ events: [{ actor_id: "sub:user-1" }] });
    const reader = await sign({ claims: { scope: "workloads:read" } });
    expect(await statusOf(api, reader)).toBe(200);
    const write = await api.send("POST", "/v1/workloads", { key: reader, json: { workload_type: "noop" } });
    await expectRefused(write, 403, "FORBIDDEN");
    expect(await statusOf(api, await sign({ claims: { scope: "workloads:readall" } }))).toBe(403);
  });

  it("without a customer and with the scope admin is the operator's, and nobody's without it", async () => {
    const { api } = await startTrusting();
    const operator = await issuer.sign(api.clock(), { claims: { scope: "admin workloads:read" } });
    await expectRefused(await list(api, operator), 403, "FORBIDDEN");
    const nobody = await issuer.sign(api.clock(), { claims: { scope: "workloads:read" } });
    await expectRefused(await list(api, nobody), 401, "UNAUTHORIZED");
  });

  it("of a suspended customer is refused within the time that a customer is remembered", async () => {
    const { api, customerId, sign } = await startTrusting();
    const token = await sign();
    expect(await statusOf(api, token)).toBe(200);
    api.memory.suspended.add(customerId);
    const untilCheckedMs = (apiKeyCacheSeconds / 2) * 1_000 - 1;
    api.advance(untilCheckedMs);
    // Another token begins no time of its own.
    const other = await sign({ claims: { sub: "user-2" } });
    expect(await statusOf(api, other)).toBe(200);
    api.advance(apiKeyCacheSeconds * 1_000 - untilCheckedMs);
    expect(await statusOf(api, token)).toBe(403);
    expect(await statusOf(api, other)).toBe(403);
  });

  it("that is in use makes no request wait for its customer, and is looked at twice in the time it is remembered", async () => {
    const { api, sign } = await startTrusting();
    const token = await sign();
    const lookUp = vi.spyOn(api.memory, "caller");
    for (let turn = 0; turn < 100; turn += 1) {
      expect(await statusOf(api, token)).toBe(200);
      await api.settled();
      api.advance(apiKeyCacheSeconds * 10);
    }
    expect(lookUp).toHaveBeenCalledTimes(2);
    lookUp.mockReturnValueOnce(new Promise(() => {}));
    expect(await statusOf(api, token)).toBe(200);
  });

  it("shows the rate of its customer, and stops at its expiry also while it is remembered", async () => {
    const { api, sign } = await startTrusting();
    const token = await sign({ claims: { exp: at + 2 } });
    const reply = await list(api, token);
    expect(Number(reply.headers.get("x-ratelimit-remaining"))).toBeGreaterThan(0);
    api.advance((2 + jwtToleranceSeconds) * 1_000 - 1);
    expect(await statusOf(api, token)).toBe(200);
    api.advance(1);
    expect(await statusOf(api, token)).toBe(401);
  });

  it("may come from a clock that goes a little wrong, and no more", async () => {
    const { api, sign } = await startTrusting();
    const claimed = async (claims: object) => statusOf(api, await sign({ claims: { ...claims } }));
    expect(await claimed({ nbf: at + jwtToleranceSeconds })).toBe(200);
    expect(await claimed({ nbf: at + jwtToleranceSeconds + 1 })).toBe(401);
    expect(await claimed({ iat: at + jwtToleranceSeconds })).toBe(200);
    expect(await claimed({ iat: at + jwtToleranceSeconds + 1 })).toBe(401);
    expect(await claimed({ exp: at - jwtToleranceSeconds + 1 })).toBe(200);
    expect(await claimed({ exp: at - jwtToleranceSeconds })).toBe(401);
  });

  it("opens nothing where no issuer is trusted", async () => {
    const api = await startApi();
    const { customerId } = await api.addCustomer();
    const token = await issuer.sign(startedAt, { claims: { customer_id: customerId } });
    await expectRefused(await list(api, token), 401, "UNAUTHORIZED");
  });
});

describe("a wrong token", () => {
  it("gets the same 401 as a wrong key, whatever is wrong with it", async () => {
    const rsa = await TokenIssuer.start("RS256");
    const { api, customerId, sign } = await startTrusting(rsa);
    const good = await sign();
    const [head = "", body = "", signature = ""] = good.split(".");
    const claims = { ...claimsAt(startedAt), customer_id: customerId };
    const stranger = await generateKeyPair("RS256");
    const publicKeyAsSecret = new TextEncoder().encode(await exportSPKI(rsa.publicKey));
    const header = { alg: "RS256", kid: "key-1", typ: "at+jwt" };
    const wrong: Record<string, string> = {
      "alg none": `${encode({ ...header, alg: "none" })}.${body}.`,
      "alg None": `${encode({ ...header, alg: "None" })}.${body}.${signature}`,
      "the public key as a shared secret": await new SignJWT(claims)
        .setProtectedHeader({ ...header, alg: "HS256" })
        .sign(publicKeyAsSecret),
      "another algorithm of the same key": `${encode({ ...header, alg: "PS256" })}.${body}.${signature}`,
      "a stranger's signature": await new SignJWT(claims).setProtectedHeader(header).sign(stranger.privateKey),
      "another body": `${head}.${encode({ ...claims, sub: "user-2" })}.${signature}`,
      "no signature": `${head}.${body}.`,
      "a key of its own": `${encode({ ...header, jwk: { kty: "oct", k: "AAAA" } })}.${body}.${signature}`,
      "a wrong issuer": await sign({ claims: { iss: "https://issuer.test/" } }),
      "a wrong audience": await sign({ claims: { aud: ["another"] } }),
      "a wrong type": await sign({ header: { typ: "JWT" } }),
      "no type": await sign({ without: ["typ"] }),
      "no issuer": await sign({ without: ["iss"] }),
      "no audience": await sign({ without: ["aud"] }),
      "no subject": await sign({ without: ["sub"] }),
      "no scope": await sign({ without: ["scope"] }),
      "no expiry": await sign({ without: ["exp"] }),
      "an expiry that is none": `${head}.${encode({ ...claims, exp: "9999999999" })}.${signature}`,
      "an expiry beyond all time": await sign({ claims: { exp: 1e300 } }),
      "an expiry in the past": await sign({ claims: { exp: at - 60 } }),
      "a subject that is none": await sign({ claims: { sub: "" } }),
      "a subject that nobody can store": await sign({ claims: { sub: "a\u0000b" } }),
      "scopes that are a list": await sign({ claims: { scope: ["workloads:read"] } }),
      "a customer that is none": await sign({ claims: { customer_id: "*" } }),
      "a customer that is null": await sign({ claims: { customer_id: null } }),
      "an unknown customer": await sign({ claims: { customer_id: api.ids.customer() } }),
      "a critical extension": await sign({ header: { crit: [criticalParameter], [criticalParameter]: 1 } }),
      "an unknown key": await sign({ header: { kid: "key-9" } }),
      garbage: "a.b.c",
      emptiness: "..",
      "no JSON": `${Buffer.from("{").toString("base64url")}.${body}.${signature}`,
      "too many parts": `${good}.a.b`,
      length: await sign({ claims: { more: "x".repeat(bearerTokenLengthMax) } }),
    };
    const replies = new Map<string, string[]>();
    for (const [index, [what, token]] of Object.entries(wrong).entries()) {
      // Its own address, so that none of them is refused for the others.
      const headers = { "cf-connecting-ip": `10.0.0.${index}`, "x-request-id": "same", authorization: "" };
      const reply = await api.send("GET", "/v1/workloads", {
        headers: { ...headers, authorization: `Bearer ${token}` },
      });
      const shown = JSON.stringify([reply.status, [...reply.headers], await reply.json()]);
      replies.set(shown, [...(replies.get(shown) ?? []), what]);
    }
    const reply = await api.send("GET", "/v1/workloads", { key: "nyt_x", headers: { "x-request-id": "same" } });
    const asOfKey = JSON.stringify([reply.status, [...reply.headers], await reply.json()]);
    expect([...replies]).toEqual([[asOfKey, Object.keys(wrong)]]);
    expect(reply.status).toBe(401);
    expect(await statusOf(api, good)).toBe(200);
    await rsa.stop();
  });
});

describe("a shared secret", () => {
  it("opens with the one algorithm that it is for", async () => {
    const secret = new TextEncoder().encode("a secret of two that is long enough for this");
    const claims = { issuer: issuerName, audience: audienceName, algorithm: "HS256", typ: "JWT" };
    const api = await startApi({ jwt: () => ({ ...claims, key: () => secret }) });
    const { customerId } = await api.addCustomer();
    const signed = (alg: string, key: Uint8Array) =>
      new SignJWT({ ...claimsAt(startedAt), customer_id: customerId })
        .setProtectedHeader({ alg, typ: "JWT" })
        .sign(key);
    expect(await statusOf(api, await signed("HS256", secret))).toBe(200);
    expect(await statusOf(api, await signed("HS512", secret))).toBe(401);
    expect(await statusOf(api, await signed("HS256", secret.toReversed()))).toBe(401);
  });
});

/** Tokens that come at once, each from an address of its own. */
const crowd = 100;
const from = (n: number) => ({ "cf-connecting-ip": `203.0.113.${n}` });

describe("the keys of an issuer", () => {
  it("are read once for many tokens, and again when they are old", async () => {
    const own = await TokenIssuer.start();
    const { api, sign } = await startTrusting(own);
    for (const sub of ["a", "b", "c"]) expect(await statusOf(api, await sign({ claims: { sub } }))).toBe(200);
    expect(own.reads).toBe(1);
    api.advance(jwksAgeSecondsMax * 1_000);
    expect(await statusOf(api, await sign())).toBe(200);
    expect(own.reads).toBe(2);
    await own.stop();
  });

  it("are read again for a key that nobody knows, at most once in a while", async () => {
    const own = await TokenIssuer.start();
    const { api, sign } = await startTrusting(own);
    expect(await statusOf(api, await sign())).toBe(200);
    await own.rotate("keep");
    const renewed = await sign();
    expect(await statusOf(api, renewed)).toBe(401);
    expect(own.reads).toBe(1);
    api.advance(jwksCooldownSeconds * 1_000);
    expect(await statusOf(api, renewed)).toBe(200);
    expect(own.reads).toBe(2);
    for (const kid of ["x", "y"]) expect(await statusOf(api, await sign({ header: { kid } }))).toBe(401);
    expect(own.reads).toBe(2);
    await own.stop();
  });

  it("are read once for however many tokens come at once", async () => {
    const own = await TokenIssuer.start();
    const { api, sign } = await startTrusting(own);
    const many = Array.from({ length: crowd }, (_, n) => String(n));
    const statuses = (tokens: readonly string[]) =>
      Promise.all(tokens.map((key, n) => api.send("GET", "/v1/workloads", { key, headers: from(n) }))).then(
        (replies) => new Set(replies.map(({ status }) => status)),
      );
    expect(await statuses(await Promise.all(many.map((sub) => sign({ claims: { sub } }))))).toEqual(new Set([200]));
    expect(own.reads).toBe(1);
    api.advance(jwksCooldownSeconds * 1_000);
    expect(await statuses(await Promise.all(many.map((kid) => sign({ header: { kid } }))))).toEqual(new Set([401]));
    expect(own.reads).toBe(2);
    own.answer = "hang up";
    api.advance(jwksCooldownSeconds * 1_000);
    expect(await statuses(await Promise.all(many.map((kid) => sign({ header: { kid } }))))).toEqual(new Set([503]));
    expect(own.reads).toBe(3);
    await own.stop();
  });

  it("that were withdrawn open nothing once those that are remembered are old", async () => {
    const own = await TokenIssuer.start();
    const { api, sign } = await startTrusting(own);
    const early = await sign({ claims: { exp: at + 2 * jwksAgeSecondsMax } });
    expect(await statusOf(api, early)).toBe(200);
    await own.rotate("withdraw");
    api.advance(jwksAgeSecondsMax * 1_000);
    expect(await statusOf(api, early)).toBe(401);
    expect(await statusOf(api, await sign())).toBe(200);
    await own.stop();
  });

  it.each(["error", "redirect", "nonsense", "hang up"] as const)(
    "that cannot be read (%s) make a 503, and are asked for again after a while",
    async (answer) => {
      const own = await TokenIssuer.start();
      own.answer = answer;
      const { api, sign } = await startTrusting(own);
      const token = await sign();
      const refused = await list(api, token);
      expect(refused.headers.get("retry-after")).toBe(String(jwksRetrySeconds));
      const { details } = await expectRefused(refused, 503, "SERVICE_UNAVAILABLE");
      expect(details).toEqual({ dependency: "issuer" });
      own.answer = "keys";
      expect(await statusOf(api, token)).toBe(503);
      expect(own.reads).toBe(1);
      api.advance(jwksRetrySeconds * 1_000);
      expect(await statusOf(api, token)).toBe(200);
      await own.stop();
    },
  );

  it("go on being believed while the issuer is away, for a day", async () => {
    const own = await TokenIssuer.start();
    const { api, sign } = await startTrusting(own);
    expect(await statusOf(api, await sign())).toBe(200);
    own.answer = "hang up";
    api.advance(jwksAgeSecondsMax * 1_000);
    expect(await statusOf(api, await sign())).toBe(200);
    // Only its issuer could know a key that nobody here does, and it is not asked all the time.
    api.advance(jwksRetrySeconds * 1_000);
    const reads = own.reads;
    for (const kid of ["x", "y"]) expect(await statusOf(api, await sign({ header: { kid } }))).toBe(503);
    expect(own.reads).toBe(reads + 1);
    api.advance((jwksOutageSecondsMax - jwksAgeSecondsMax - jwksRetrySeconds) * 1_000);
    expect(await statusOf(api, await sign())).toBe(503);
    await own.stop();
  });

  it("that cannot be used make a token wrong, and a line in the log", async () => {
    const own = await TokenIssuer.start();
    own.answer = "broken key";
    const { api, sign } = await startTrusting(own);
    expect(await statusOf(api, await sign())).toBe(401);
    expect(api.logged.join()).toContain("a token could not be verified");
    await own.stop();
  });
});

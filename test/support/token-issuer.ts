/** An issuer of JSON Web Tokens with a real address for its keys, which the test rotates, stops and counts. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import type { ApiDependencies } from "../../functions/api/context.ts";
import type { JwtTrust } from "../../functions/api/identity/jwt.ts";
import { createKeySet } from "../../functions/api/identity/key-set.ts";

export const issuerName = "https://issuer.test";
export const audienceName = "niyanta";

/** A part of the header that is understood by the issuer alone. */
export const criticalParameter = "x-critical";

export type Answer = "keys" | "error" | "redirect" | "nonsense" | "hang up" | "broken key";

interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

async function makeKey(algorithm: string, kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, use: "sig", alg: algorithm } };
}

export interface Signing {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: JWTPayload;
  /** Claims and parts of the header that are to be missing. */
  readonly without?: readonly string[];
}

export class TokenIssuer {
  answer: Answer = "keys";
  /** How often its keys were asked for. */
  reads = 0;
  readonly algorithm: string;
  readonly #server: Server;
  #keys: SigningKey[];

  private constructor(algorithm: string, key: SigningKey) {
    this.algorithm = algorithm;
    this.#keys = [key];
    this.#server = createServer((_request, response) => {
      this.reads += 1;
      if (this.answer === "hang up") return void response.destroy();
      if (this.answer === "error") return void response.writeHead(500).end("no");
      if (this.answer === "redirect") return void response.writeHead(302, { location: "/elsewhere" }).end();
      if (this.answer === "nonsense") return void response.end("{}");
      const broken = this.answer === "broken key" ? { x: "AA" } : {};
      response.end(JSON.stringify({ keys: this.#keys.map(({ jwk }) => ({ ...jwk, ...broken })) }));
    });
  }

  static async start(algorithm = "ES256"): Promise<TokenIssuer> {
    const issuer = new TokenIssuer(algorithm, await makeKey(algorithm, "key-1"));
    await new Promise<void>((resolve) => issuer.#server.listen(0, "127.0.0.1", resolve));
    return issuer;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`;
  }

  get publicKey(): CryptoKey {
    return this.#newest.publicKey;
  }

  get #newest(): SigningKey {
    const key = this.#keys.at(-1);
    if (key === undefined) throw new Error("an issuer without keys");
    return key;
  }

  /** From now on it signs with a new key; the older ones are shown as long as they are kept. */
  async rotate(keep: "keep" | "withdraw"): Promise<void> {
    const key = await makeKey(this.algorithm, `key-${Number(this.#newest.kid.slice(4)) + 1}`);
    this.#keys = keep === "keep" ? [...this.#keys, key] : [key];
  }

  trust = (parts: Pick<ApiDependencies, "clock" | "log" | "background">): JwtTrust => ({
    issuer: issuerName,
    audience: audienceName,
    algorithm: this.algorithm,
    typ: "at+jwt",
    key: createKeySet({ url: this.url, fetch: (url, init) => fetch(url, init), ...parts }),
  });

  /** A token that is right at `now` for ten minutes, but for what is given. */
  sign(now: number, { header = {}, claims = {}, without = [] }: Signing = {}): Promise<string> {
    const { kid, privateKey } = this.#newest;
    const fullHeader = { alg: this.algorithm, kid, typ: "at+jwt", ...header };
    return new SignJWT(less({ ...claimsAt(now), ...claims }, without))
      .setProtectedHeader({ ...less(fullHeader, without), alg: fullHeader.alg })
      .sign(privateKey, { crit: { [criticalParameter]: true } });
  }
}

const tokenSeconds = 600;

export function claimsAt(now: number): JWTPayload {
  const at = Math.floor(now / 1_000);
  const scope = "openid workloads:read workloads:write";
  return { iss: issuerName, aud: audienceName, sub: "user-1", scope, iat: at, exp: at + tokenSeconds };
}

const less = (all: Readonly<Record<string, unknown>>, without: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(all).filter(([name]) => !without.includes(name)));

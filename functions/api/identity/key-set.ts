/** The public keys of an issuer of tokens (JWKS): read when they are needed, kept for a while, kept longer while it is away. */
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import {
  jwksAgeSecondsMax,
  jwksAnswerSecondsMax,
  jwksCooldownSeconds,
  jwksOutageSecondsMax,
  jwksRetrySeconds,
} from "../../../schema/limits.ts";
import type { ApiDependencies } from "../context.ts";
import { createSharedWork } from "../shared-work.ts";

/** Nobody can say whether a token is right: the issuer does not answer, and what is remembered does not help. */
export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";
}

export interface KeySetParts extends Pick<ApiDependencies, "clock" | "log" | "background"> {
  readonly url: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

interface Kept {
  readonly find: JWTVerifyGetKey;
  readonly at: number;
}

const jwksSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });
const none: Kept = { find: () => Promise.reject(new errors.JWKSNoMatchingKey()), at: Number.NEGATIVE_INFINITY };

/** While the keys are being read again, tokens under a key that is kept do not wait, and all others wait for that one reading. */
export function createKeySet(parts: KeySetParts): JWTVerifyGetKey {
  let kept = none;
  let askedAt = Number.NEGATIVE_INFINITY;
  let failedAt = Number.NEGATIVE_INFINITY;

  const read = async (): Promise<void> => {
    const now = parts.clock();
    askedAt = now;
    try {
      kept = { find: createLocalJWKSet(await readKeys(parts)), at: now };
    } catch (err) {
      failedAt = parts.clock();
      parts.log.warn({ component: "api", err }, "the keys of the issuer could not be read");
    }
  };
  const ask = createSharedWork({ ...parts, msMax: 2 * jwksAnswerSecondsMax * 1_000 }, read);
  const isOlder = (at: number, seconds: number) => parts.clock() >= at + seconds * 1_000;
  const isOver = () => isOlder(kept.at, jwksOutageSecondsMax);
  const isDue = () => isOlder(kept.at, jwksAgeSecondsMax) && isOlder(isOver() ? failedAt : askedAt, jwksRetrySeconds);
  const mayAskAgain = () => isOlder(kept.at, jwksCooldownSeconds) && isOlder(failedAt, jwksRetrySeconds);

  return async (header, token) => {
    if (isDue()) await ask();
    if (isOver()) throw new KeysUnavailable("the issuer of tokens does not answer");
    const key = await orNull(async () => kept.find(header, token));
    if (key !== null) return key;
    if (mayAskAgain()) await ask();
    if (failedAt > kept.at) throw new KeysUnavailable("a key that is not known, while its issuer does not answer");
    return kept.find(header, token);
  };
}

/** Null: no key fits. */
async function orNull<T>(find: () => Promise<T>): Promise<T | null> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return null;
    throw error;
  }
}

async function readKeys({ url, fetch }: KeySetParts): Promise<z.infer<typeof jwksSchema>> {
  const reply = await fetch(url, {
    headers: { accept: "application/json" },
    // What answers instead of the issuer is not the issuer.
    redirect: "manual",
    signal: AbortSignal.timeout(jwksAnswerSecondsMax * 1_000),
  });
  if (reply.status !== 200) {
    await reply.body?.cancel();
    throw new Error(`the issuer answered ${reply.status}`);
  }
  return jwksSchema.parse(await reply.json());
}

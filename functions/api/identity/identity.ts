/** Who asks: an API key of a customer, the admin key, or a token of the trusted issuer. */
import type { ApiDependencies, Principal } from "../context.ts";
import { createKeyCheck, type KeyParts } from "./api-key.ts";
import type { Failures } from "./failures.ts";
import { createGate, type Gate } from "./gate.ts";
import { createJwtCheck, looksLikeJwt } from "./jwt.ts";
import { KeysUnavailable } from "./key-set.ts";

/** Per isolate; also of keys that nobody has, so that a wrong one in a loop costs no query. */
export const keyCacheEntriesMax = 10_000;
/** Tokens are long, and there is one a user. */
const jwtCacheEntriesMax = 2_000;

/**
 * `address` as `clientAddress` has it. Every kind of wrong token is the same refusal. Throws StoreUnavailable when the
 * database does not answer.
 */
export type IdentifyToken = Gate<Principal>;

export function createIdentity(deps: KeyParts & Pick<ApiDependencies, "jwt">, failures: Failures): IdentifyToken {
  const { clock, background } = deps;
  const keys = createGate({
    clock,
    background,
    failures,
    entriesMax: keyCacheEntriesMax,
    verify: createKeyCheck(deps),
  });
  const tokens = createTokenGate(deps, failures);
  return async (token, address) => (looksLikeJwt(token) ? tokens : keys)(token, address);
}

/** Without an issuer a JWT is a wrong token like any other. */
function createTokenGate(
  { jwt, ...deps }: KeyParts & Pick<ApiDependencies, "jwt">,
  failures: Failures,
): Gate<Principal> {
  const verify =
    jwt === null ? async (_: string, now: number) => ({ value: null, until: now }) : createJwtCheck({ ...deps, jwt });
  const { clock, background } = deps;
  const gate = createGate({ clock, background, failures, entriesMax: jwtCacheEntriesMax, verify });
  return async (token, address) => {
    try {
      return await gate(token, address);
    } catch (error) {
      if (error instanceof KeysUnavailable) return { ok: false, refusal: { kind: "issuer_unavailable" } };
      throw error;
    }
  };
}

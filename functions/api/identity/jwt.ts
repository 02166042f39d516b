/** Whose a JSON Web Token is: signature, algorithm, type, issuer, audience and times first, then the claims it must have. */
import { errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";
import { customerIdSchema } from "../../../schema/ids.ts";
import { isStorableText } from "../../../schema/json.ts";
import { apiKeyCacheSeconds, jwtSubjectLengthMax, jwtToleranceSeconds } from "../../../schema/limits.ts";
import type { ApiDependencies, Caller, Principal } from "../context.ts";
import { scopesAmong } from "./api-key.ts";
import { createCallers } from "./callers.ts";
import type { Verdict } from "./gate.ts";
import { KeysUnavailable } from "./key-set.ts";

/** Whose tokens are believed, and which. */
export interface JwtTrust {
  readonly issuer: string;
  readonly audience: string;
  /** The one algorithm: what a token says of itself never chooses. */
  readonly algorithm: string;
  /** Of the header, so that a token made for something else is none of ours. */
  readonly typ: string;
  /** Throws KeysUnavailable when nobody can say. */
  readonly key: JWTVerifyGetKey;
}

type Parts = Pick<ApiDependencies, "store" | "clock" | "log"> & { readonly jwt: JwtTrust };

const secondsMax = Date.UTC(9999, 11, 31) / 1_000;
const claimsSchema = z.object({
  sub: z.string().min(1).max(jwtSubjectLengthMax).refine(isStorableText),
  scope: z.string(),
  exp: z.number().min(0).max(secondsMax),
  iat: z.number().optional(),
  customer_id: customerIdSchema.optional(),
});
type Claims = z.infer<typeof claimsSchema>;

export const looksLikeJwt = (token: string): boolean => token.split(".", 4).length === 3;

export function createJwtCheck(parts: Parts): (token: string, now: number) => Promise<Verdict<Principal>> {
  const callerOf = createCallers(parts);
  return async (token, now) => {
    const claims = await read(parts, token, now);
    if (claims === null) return wrong(now);
    const { customer_id: customerId } = claims;
    if (customerId === undefined) return verdictOf(operatorOf(claims), now + apiKeyCacheSeconds * 1_000, now);
    const { caller, until } = await callerOf(customerId);
    return verdictOf(caller === null ? null : principalOf(claims, caller), until, now);
  };
}

/** No look-up was needed to find out, or that one is remembered by itself. */
const wrong = (now: number): Verdict<Principal> => ({ value: null, until: now });

const verdictOf = (value: Principal | null, until: number, now: number): Verdict<Principal> =>
  value === null ? wrong(now) : { value, until: Math.min(until, value.expiresAt ?? until) };

/** The claims of a token that is right now, else null. */
async function read({ jwt, log }: Parts, token: string, now: number): Promise<Claims | null> {
  const payload = await payloadOf(jwt, token, now).catch((error: unknown) => {
    if (error instanceof KeysUnavailable) throw error;
    // Anything else is no fault of the token: a key of the issuer that cannot be used, as likely as not.
    if (!(error instanceof errors.JOSEError))
      log.warn({ component: "api", err: error }, "a token could not be verified");
    return null;
  });
  const { data, success } = claimsSchema.safeParse(payload);
  if (!success) return null;
  return (data.iat ?? 0) <= now / 1_000 + jwtToleranceSeconds ? data : null;
}

async function payloadOf({ key, issuer, audience, algorithm, typ }: JwtTrust, token: string, now: number) {
  const { payload } = await jwtVerify(token, key, {
    issuer,
    audience,
    typ,
    algorithms: [algorithm],
    clockTolerance: jwtToleranceSeconds,
    currentDate: new Date(now),
  });
  return payload;
}

/** Who belongs to no customer is the operator, or nobody. */
const operatorOf = (claims: Claims): Principal | null =>
  claims.scope.split(" ").includes("admin") ? { ...ofClaims(claims), scopes: ["admin"], customer: null } : null;

/** A customer's token never administers, whatever it says. */
const principalOf = (claims: Claims, customer: Caller): Principal => ({
  ...ofClaims(claims),
  scopes: scopesAmong(claims.scope.split(" ")).filter((scope) => scope !== "admin"),
  customer,
});

/** The prefix keeps a subject from being taken for a key, or for the admin, in an audit trail. */
const ofClaims = ({ sub, exp }: Claims): Pick<Principal, "id" | "expiresAt"> => ({
  id: `sub:${sub}`,
  expiresAt: Math.floor((exp + jwtToleranceSeconds) * 1_000),
});

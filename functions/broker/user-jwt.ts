/** The JWT by which NATS knows a user, in the server's own dialect (version 2, `ed25519-nkey`). */
import type { Permissions } from "./permissions.ts";

export interface UserClaims {
  /** `U…`: only who has its private half can use the JWT. */
  readonly publicKey: string;
  readonly name: string;
  readonly jwtId: string;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly permissions: Permissions;
}

/** The key that signs; `account`: of the account it signs for, where it is not the account's own. */
export interface Signer {
  readonly publicKey: string;
  readonly account: string | null;
  sign(bytes: Uint8Array): Uint8Array;
}

const header = { typ: "JWT", alg: "ed25519-nkey" };
const unlimited = -1;
const nanosecondsPerSecond = 1_000_000_000;
const encoder = new TextEncoder();

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const part = (value: unknown): string => base64url(encoder.encode(JSON.stringify(value)));

/** Without waiting, so that whoever connects can make one for this very connection. */
export function encodeUserJwt(claims: UserClaims, signer: Signer): string {
  const { publicKey: sub, name, jwtId: jti, issuedAt: iat, expiresAt: exp } = claims;
  const payload = { jti, iat, iss: signer.publicKey, name, sub, exp, nats: userOf(claims.permissions, signer) };
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${base64url(signer.sign(encoder.encode(signed)))}`;
}

function userOf(permissions: Permissions, { account }: Signer) {
  const { publish, subscribe, replies, subscriptionsMax, payloadBytesMax } = permissions;
  return {
    pub: { allow: publish },
    sub: { allow: subscribe },
    ...(replies === null
      ? {}
      : { resp: { max: replies.perRequestMax, ttl: replies.secondsMax * nanosecondsPerSecond } }),
    subs: subscriptionsMax,
    data: unlimited,
    payload: payloadBytesMax,
    allowed_connection_types: ["WEBSOCKET"],
    ...(account === null ? {} : { issuer_account: account }),
    type: "user",
    version: 2,
  };
}

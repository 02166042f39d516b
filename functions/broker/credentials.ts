/** Credentials for the broker, signed with the account's key: short-lived ones for workers, the coordinators' own. */
import { createUser, fromPublic, fromSeed } from "@nats-io/nkeys";
import type { Pool } from "../../schema/affinity.ts";
import type { WorkerId } from "../../schema/ids.ts";
import { coordinatorCredentialSeconds } from "../../schema/limits.ts";
import { coordinatorPermissions, type Permissions, workerPermissions } from "./permissions.ts";
import { encodeUserJwt, type Signer } from "./user-jwt.ts";

export interface MintOptions {
  /** `SA…`: of the account, or of one of its signing keys. */
  readonly accountSeed: string;
  /** `A…`: the account, when the seed is one of its signing keys; else null. */
  readonly account: string | null;
  readonly workerSeconds: number;
  readonly now: () => number;
  readonly jwtId: () => string;
}

/** What a connection is opened with: the JWT, and the seed of the key that it is for. */
export interface BrokerLogin {
  readonly jwt: string;
  readonly seed: Uint8Array;
}

export interface Mint {
  /** Milliseconds since the epoch; to be used with the private half of `publicKey`, which nobody here ever sees. */
  worker(pool: Pool, worker: WorkerId, publicKey: string): { readonly jwt: string; readonly expiresAt: number };
  coordinator(pool: Pool): BrokerLogin;
}

/** Its checksum holds, and it is of a user. */
export function isUserKey(publicKey: string): boolean {
  try {
    return fromPublic(publicKey).getPublicKey().startsWith("U");
  } catch {
    return false; // the library's way to say that it is no key
  }
}

/** Throws when the seed is none. */
export function createMint({ accountSeed, account, workerSeconds, now, jwtId }: MintOptions): Mint {
  const signer = signerOf(accountSeed, account);
  const issue = (publicKey: string, name: string, seconds: number, permissions: Permissions) => {
    const issuedAt = Math.floor(now() / 1_000);
    // Whole seconds are all that a JWT knows: never less than was promised.
    const expiresAt = Math.ceil(now() / 1_000) + seconds;
    const claims = { publicKey, name, jwtId: jwtId(), issuedAt, expiresAt, permissions };
    return { jwt: encodeUserJwt(claims, signer), expiresAt: expiresAt * 1_000 };
  };
  return {
    worker: (pool, worker, publicKey) => issue(publicKey, worker, workerSeconds, workerPermissions(pool, worker)),
    coordinator: (pool) => {
      const key = createUser();
      const permissions = coordinatorPermissions(pool);
      const name = `coordinator:${pool}`;
      const { jwt } = issue(key.getPublicKey(), name, coordinatorCredentialSeconds, permissions);
      return { jwt, seed: key.getSeed() };
    },
  };
}

function signerOf(seed: string, account: string | null): Signer {
  const key = fromSeed(new TextEncoder().encode(seed));
  const publicKey = key.getPublicKey();
  return { publicKey, account: account === publicKey ? null : account, sign: (bytes) => key.sign(bytes) };
}

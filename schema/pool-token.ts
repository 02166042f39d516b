/** Pool tokens: `nyp_<pool>_<secret><checksum>`, built as API keys are; what an agent enrols in one pool with. */
import { type Pool, poolSchema } from "./affinity.ts";
import { sealedOwner, sealSecret } from "./api-key.ts";

const prefix = "nyp";

/** `secret`: 32 random bytes. */
export const formatPoolToken = (pool: Pool, secret: Uint8Array): Promise<string> => sealSecret(prefix, pool, secret);

/** The pool that a token says it is for, or null for garbage. Only its hash says whether it is a token at all. */
export async function parsePoolToken(token: string): Promise<Pool | null> {
  const pool = poolSchema.safeParse(await sealedOwner(prefix, token));
  return pool.success ? pool.data : null;
}

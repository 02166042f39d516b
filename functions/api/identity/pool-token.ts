/** Which pool a token opens: the one it names, when its hash is one of that pool's. */
import { sha256Hex } from "../../../schema/api-key.ts";
import { apiKeyCacheSeconds } from "../../../schema/limits.ts";
import { parsePoolToken } from "../../../schema/pool-token.ts";
import { constantTimeEqual } from "../constant-time.ts";
import type { ApiDependencies } from "../context.ts";
import type { Failures } from "./failures.ts";
import { createGate, type Gate } from "./gate.ts";

type Parts = Pick<ApiDependencies, "clock" | "background" | "poolTokenHashes">;

const entriesMax = 1_000;

export function createPoolGate({ clock, background, poolTokenHashes }: Parts, failures: Failures): Gate<string> {
  const poolOf = async (token: string): Promise<string | null> => {
    const pool = await parsePoolToken(token);
    if (pool === null) return null;
    const hash = await sha256Hex(token);
    return (poolTokenHashes.get(pool) ?? []).some((known) => constantTimeEqual(known, hash)) ? pool : null;
  };
  const verify = async (token: string, now: number) => {
    const value = await poolOf(token);
    // A wrong one is found wrong again without any look-up.
    return { value, until: value === null ? now : now + apiKeyCacheSeconds * 1_000 };
  };
  return createGate({ clock, background, failures, entriesMax, verify });
}

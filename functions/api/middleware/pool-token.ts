/** Lets in an agent that shows the token of its pool, which opens no other. */
import { bearerToken } from "../bearer.ts";
import type { ApiHandler } from "../context.ts";
import { refuse } from "../errors.ts";
import { clientAddress } from "../identity/client-address.ts";
import type { Gate } from "../identity/gate.ts";

export const requirePoolToken =
  (gate: Gate<string>): ApiHandler =>
  async (c, proceed) => {
    const token = bearerToken(c);
    if (token === "") return refuse(c, { kind: "unauthenticated" });
    const pool = await gate(token, clientAddress(c));
    if (!pool.ok) return refuse(c, pool.refusal);
    c.set("agentPool", pool.value);
    return proceed();
  };

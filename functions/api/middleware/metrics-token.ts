/** Lets in who shows the token for metrics, or everybody where they are open on purpose. */
import { bearerToken } from "../bearer.ts";
import type { ApiHandler } from "../context.ts";
import { refuse } from "../errors.ts";
import { clientAddress } from "../identity/client-address.ts";
import type { Gate } from "../identity/gate.ts";

export const requireMetricsToken =
  (gate: Gate<true> | null): ApiHandler =>
  async (c, proceed) => {
    if (gate === null) return proceed();
    const token = bearerToken(c);
    if (token === "") return refuse(c, { kind: "unauthenticated" });
    const shown = await gate(token, clientAddress(c));
    return shown.ok ? proceed() : refuse(c, shown.refusal);
  };

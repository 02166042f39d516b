/** Lets in who shows a token that a gate takes; every kind of wrong one gets the same answer. */
import { bearerToken } from "../bearer.ts";
import type { ApiContext, ApiHandler } from "../context.ts";
import { refuse } from "../errors.ts";
import { clientAddress } from "../identity/client-address.ts";
import type { Gate } from "../identity/gate.ts";

/** `letIn` is told what the token stands for. */
export const authenticate =
  <T>(gate: Gate<T>, letIn: (c: ApiContext, value: T) => void): ApiHandler =>
  async (c, proceed) => {
    const token = bearerToken(c);
    if (token === "") return refuse(c, { kind: "unauthenticated" });
    const shown = await gate(token, clientAddress(c));
    if (!shown.ok) return refuse(c, shown.refusal);
    letIn(c, shown.value);
    return proceed();
  };

/** Lets in who shows a token of a principal; every kind of wrong one gets the same answer. */
import { bearerToken } from "../bearer.ts";
import type { ApiHandler } from "../context.ts";
import { refuse } from "../errors.ts";
import { clientAddress } from "../identity/client-address.ts";
import type { IdentifyToken } from "../identity/identity.ts";

export const authenticate =
  (identify: IdentifyToken): ApiHandler =>
  async (c, proceed) => {
    const token = bearerToken(c);
    if (token === "") return refuse(c, { kind: "unauthenticated" });
    const identified = await identify(token, clientAddress(c));
    if (!identified.ok) return refuse(c, identified.refusal);
    c.set("principal", identified.value);
    return proceed();
  };

/** Lets in who watches: browsers cannot set the header of a WebSocket, so its token may stand elsewhere. */
import type { RateState } from "../../coordinator/gateway.ts";
import { bearerToken } from "../bearer.ts";
import type { Admitted, ApiContext, ApiHandler, Principal } from "../context.ts";
import { type Checked, refuse } from "../errors.ts";
import { clientAddress } from "../identity/client-address.ts";
import type { IdentifyToken } from "../identity/identity.ts";
import type { OpenDoor } from "../live/doors.ts";
import { showRate } from "../rate-headers.ts";
import { refusalOfCustomer } from "./authorize.ts";
import type { ReadBuckets } from "./rate-limit.ts";

interface Judged {
  /** Null: nobody knows whose bucket. */
  readonly rate: RateState | null;
  readonly admitted: Checked<Admitted>;
}

/** Only a WebSocket has a first message in which a token could still come. */
const isUpgrade = (c: ApiContext): boolean =>
  c.req.method === "GET" && c.req.header("upgrade")?.toLowerCase() === "websocket";

/** A token in the header or in `?token=` is judged here; without one the handler has the door to ask at. */
export function admitWatcher(identify: IdentifyToken, buckets: ReadBuckets, doors: OpenDoor): ApiHandler {
  const judge = async (token: string, address: string): Promise<Judged> => {
    const identified = await identify(token, address);
    return identified.ok ? judgePrincipal(buckets, identified.value) : { rate: null, admitted: identified };
  };
  return async (c, proceed) => {
    const address = clientAddress(c);
    const admit = async (token: string) => (await judge(token, address)).admitted;
    const open = () => doors(address);
    const token = bearerToken(c) || (c.req.query("token") ?? "");
    if (token === "") {
      if (!isUpgrade(c)) return refuse(c, { kind: "unauthenticated" });
      c.set("watcherDoor", { admitted: null, admit, open });
      return proceed();
    }
    const { rate, admitted } = await judge(token, address);
    if (rate !== null) showRate(c, rate);
    if (!admitted.ok) return refuse(c, admitted.refusal);
    c.set("watcherDoor", { admitted: admitted.value, admit, open });
    return proceed();
  };
}

/** Counted as a read, in whichever way the token came. */
function judgePrincipal(buckets: ReadBuckets, principal: Principal): Judged {
  const { rate, retryAfterSeconds } = buckets.count(principal);
  if (retryAfterSeconds !== null) {
    return { rate, admitted: { ok: false, refusal: { kind: "rate_limited", retryAfterSeconds } } };
  }
  const refusal = refusalOfCustomer(principal, "workloads:read");
  const { customer } = principal;
  if (refusal !== null) return { rate, admitted: { ok: false, refusal } };
  if (customer === null) return { rate, admitted: { ok: false, refusal: { kind: "unauthenticated" } } };
  return { rate, admitted: { ok: true, value: { principal, customer } } };
}

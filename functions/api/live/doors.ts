/** Lines that wait for their first message, before anybody knows whose they are: so many in an isolate, so many of one address. */
import { watchDoorsMax, watchDoorsOfAddressMax, watchTokenSeconds } from "../../../schema/limits.ts";
import type { Checked } from "../errors.ts";
import type { Failures } from "../identity/failures.ts";

/** Called once, when the waiting is over; who has not shown any token has failed as one with a wrong one has. */
export type EndWaiting = (hasShownToken: boolean) => void;

/** Who may wait, or why not. */
export type OpenDoor = (address: string) => Checked<EndWaiting>;

const limited = (retryAfterSeconds: number) =>
  ({ ok: false, refusal: { kind: "rate_limited", retryAfterSeconds } }) as const;

export function createDoors(failures: Pick<Failures, "wait" | "count">): OpenDoor {
  const waiting = new Map<string, number>();
  let all = 0;
  const add = (address: string, by: 1 | -1) => {
    const count = (waiting.get(address) ?? 0) + by;
    all += by;
    if (count > 0) waiting.set(address, count);
    else waiting.delete(address);
  };
  return (address) => {
    const retryAfterSeconds = failures.wait(address);
    if (retryAfterSeconds > 0) return limited(retryAfterSeconds);
    if ((waiting.get(address) ?? 0) >= watchDoorsOfAddressMax) return limited(watchTokenSeconds);
    if (all >= watchDoorsMax) return { ok: false, refusal: { kind: "doors_full" } };
    add(address, 1);
    const end: EndWaiting = (hasShownToken) => {
      add(address, -1);
      if (!hasShownToken) failures.count(address);
    };
    return { ok: true, value: end };
  };
}

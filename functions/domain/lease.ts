/** How long a silent worker is still believed: the coordinator's side of a lease, on the coordinator's own clock (I6). */

/** alive: as it should be. missed: a heartbeat is overdue. over: the worker is dead, its workloads go elsewhere. */
export type LeaseVerdict = "alive" | "missed" | "over";

export interface LeaseTerms {
  readonly leaseMs: number;
  readonly heartbeatMs: number;
}

/** Silence, in heartbeats, after which one counts as missed: late by half, so that a slow network is no alarm. */
const missedAfterHeartbeats = 1.5;

/** `lastAckAt` and `now` in milliseconds of one clock. The silence is over at the very end of the lease. */
export function leaseVerdict(lease: LeaseTerms & { readonly lastAckAt: number; readonly now: number }): LeaseVerdict {
  const silentMs = lease.now - lease.lastAckAt;
  if (silentMs >= lease.leaseMs) return "over";
  return silentMs >= lease.heartbeatMs * missedAfterHeartbeats ? "missed" : "alive";
}

/** When the verdict on this worker changes next, if it stays silent; a lease that is over is due at once. */
function nextChangeAt(terms: LeaseTerms, lastAckAt: number, now: number): number {
  const verdict = leaseVerdict({ ...terms, lastAckAt, now });
  if (verdict === "over") return now;
  const silentMs = verdict === "missed" ? terms.leaseMs : terms.heartbeatMs * missedAfterHeartbeats;
  return Math.ceil(lastAckAt + Math.min(silentMs, terms.leaseMs));
}

/** When to look at the leases again: the first change among these workers; null: there is none to look at. */
export function nextLeaseCheckAt(terms: LeaseTerms, lastAckAts: Iterable<number>, now: number): number | null {
  let first: number | null = null;
  for (const lastAckAt of lastAckAts) {
    const at = nextChangeAt(terms, lastAckAt, now);
    if (first === null || at < first) first = at;
  }
  return first;
}

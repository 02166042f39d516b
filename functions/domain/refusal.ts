/** Every expected refusal, closed; `api/errors.ts` maps them to status codes, nobody else knows HTTP. */
export type Refusal =
  | { kind: "unknown_workload" }
  | { kind: "unknown_workload_type"; workloadType: string; item: number }
  | { kind: "unknown_pool"; pool: string }
  | { kind: "wrong_state"; status: string; action: string }
  | { kind: "batch_exceeds_queue"; queueDepthMax: number }
  | { kind: "queue_full"; queueDepthMax: number; retryAfterSeconds: number }
  | { kind: "rate_limited"; retryAfterSeconds: number }
  | { kind: "idempotency_conflict" }
  | { kind: "unstorable" }
  | { kind: "customer_suspended" }
  | { kind: "unknown_customer" }
  | { kind: "unavailable"; what: "database" | "broker" | "leader"; retryAfterSeconds: number };

export type Result<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

export const done = <T>(value: T): Result<T> => ({ ok: true, value });
export const refuse = (refusal: Refusal): { ok: false; refusal: Refusal } => ({ ok: false, refusal });

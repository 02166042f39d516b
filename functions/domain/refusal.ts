/** Every expected refusal, closed; `api/errors.ts` maps them to status codes, nobody else knows HTTP. */
export type Refusal =
  | { kind: "unknown_workload" }
  | { kind: "unknown_workload_type"; workloadType: string; item: number }
  | { kind: "unknown_pool"; pool: string }
  | { kind: "wrong_state"; status: string; action: string }
  | { kind: "batch_exceeds_queue"; queueDepthMax: number }
  | { kind: "batch_exceeds_burst"; submitBurst: number }
  | { kind: "queue_full"; queueDepthMax: number; retryAfterSeconds: number }
  | { kind: "rate_limited"; retryAfterSeconds: number }
  | { kind: "retry_too_large"; retryBytesMax: number }
  | { kind: "idempotency_conflict" }
  | { kind: "unknown_config" }
  | { kind: "type_exists"; workloadType: string }
  | { kind: "type_in_use"; workloadType: string }
  | { kind: "type_renamed"; workloadType: string }
  | { kind: "too_many_types"; typesMax: number }
  | { kind: "unknown_key" }
  | { kind: "key_over" }
  | { kind: "too_many_keys"; apiKeysMax: number }
  | { kind: "scope_not_held"; scopes: readonly string[] }
  | { kind: "expiry_past" }
  | { kind: "key_outlives"; expiresBy: number }
  | { kind: "unstorable" }
  | { kind: "watchers_full"; watchersMax: number }
  | { kind: "customer_suspended" }
  | { kind: "unknown_customer" }
  | { kind: "unavailable"; what: "database" | "broker" | "leader"; retryAfterSeconds: number };

export type Result<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

export const done = <T>(value: T): Result<T> => ({ ok: true, value });
export const refuse = (refusal: Refusal): { ok: false; refusal: Refusal } => ({ ok: false, refusal });

/** Which refusals a route can answer with, and an example of each kind; statuses and bodies come from THE table. */
import { exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import { apiKeysMax, bodyBytesMax, retryBytesMax, typesMax, watchersMax } from "../../../schema/limits.ts";
import type { ErrorCode } from "../../../schema/status.ts";
import type { ApiRefusal } from "../errors.ts";
import type { Access, Route } from "../route.ts";

export type RefusalKind = ApiRefusal["kind"];

/** Everything that is no refusal of its own: who asks, what it brings, and that anything may break. */
export function refusalsOf({ access, params, body, idempotent, refusals = [] }: Route): readonly RefusalKind[] {
  const unknown = Object.values(params).map((param) => param.unknown.kind);
  const ofBody: RefusalKind[] = body === null ? [] : ["too_large", "unsupported_media_type"];
  const ofKey: RefusalKind[] = idempotent === true ? ["idempotency_conflict"] : [];
  return Array.from(
    new Set<RefusalKind>([
      "invalid",
      ...accessRefusals(access),
      ...unknown,
      ...ofBody,
      ...ofKey,
      ...refusals,
      "internal",
    ]),
  );
}

function accessRefusals(access: Access): readonly RefusalKind[] {
  if (access === "public") return [];
  if (access === "pool" || access === "metrics") return ["unauthenticated", "rate_limited", "unavailable"];
  const asked = ["unauthenticated", "forbidden", "rate_limited", "unavailable", "issuer_unavailable"] as const;
  if (access === "admin") return asked;
  return [...asked, "customer_suspended"];
}

export const exampleRefusals: { readonly [K in RefusalKind]: Extract<ApiRefusal, { kind: K }> } = {
  invalid: {
    kind: "invalid",
    message: "invalid input: priority: Too big: expected number to be <=1000",
    details: { issues: [{ path: "priority", message: "Too big: expected number to be <=1000" }] },
  },
  unknown_workload_type: { kind: "unknown_workload_type", workloadType: "text.wordcuont", item: 0 },
  unknown_pool: { kind: "unknown_pool", pool: "gpu" },
  wrong_state: { kind: "wrong_state", status: "COMPLETED", action: "cancel" },
  batch_exceeds_queue: { kind: "batch_exceeds_queue", queueDepthMax: 50 },
  batch_exceeds_burst: { kind: "batch_exceeds_burst", submitBurst: 5 },
  type_exists: { kind: "type_exists", workloadType: "text.wordcount" },
  type_in_use: { kind: "type_in_use", workloadType: "text.wordcount" },
  type_renamed: { kind: "type_renamed", workloadType: "text.wordcount" },
  too_many_types: { kind: "too_many_types", typesMax },
  key_over: { kind: "key_over" },
  too_many_keys: { kind: "too_many_keys", apiKeysMax },
  scope_not_held: { kind: "scope_not_held", scopes: ["configs:write"] },
  expiry_past: { kind: "expiry_past" },
  key_outlives: { kind: "key_outlives", expiresBy: Date.parse(exampleTimes.later) },
  unstorable: { kind: "unstorable" },
  unauthenticated: { kind: "unauthenticated" },
  unknown_customer: { kind: "unknown_customer" },
  forbidden: { kind: "forbidden", message: "this key lacks the scope workloads:write" },
  customer_suspended: { kind: "customer_suspended" },
  doors_full: { kind: "doors_full" },
  watchers_full: { kind: "watchers_full", watchersMax },
  unknown_path: { kind: "unknown_path" },
  unknown_workload: { kind: "unknown_workload" },
  unknown_config: { kind: "unknown_config" },
  unknown_key: { kind: "unknown_key" },
  unknown_worker: { kind: "unknown_worker" },
  no_such_customer: { kind: "no_such_customer" },
  method_not_allowed: { kind: "method_not_allowed", allow: ["GET", "HEAD"] },
  idempotency_conflict: { kind: "idempotency_conflict" },
  too_large: {
    kind: "too_large",
    message: `the body is larger than ${bodyBytesMax} bytes`,
    details: { bytes_max: bodyBytesMax },
  },
  retry_too_large: { kind: "retry_too_large", retryBytesMax },
  unsupported_media_type: { kind: "unsupported_media_type", message: "the content type must be application/json" },
  rate_limited: { kind: "rate_limited", retryAfterSeconds: 2 },
  queue_full: { kind: "queue_full", queueDepthMax: 50, retryAfterSeconds: 5 },
  unavailable: { kind: "unavailable", what: "database", retryAfterSeconds: 1 },
  issuer_unavailable: { kind: "issuer_unavailable" },
  internal: { kind: "internal" },
};

export const exampleRequestId = exampleIds.request;

export const meaningOf: Readonly<Record<ErrorCode, string>> = {
  INVALID_INPUT: "The request is not what this operation takes; the message and the details say where",
  INVALID_STATE: "Not possible in the status that it is in now",
  UNAUTHORIZED: "No valid bearer token",
  FORBIDDEN: "The token is valid, and does not allow this",
  NOT_FOUND: "There is none, or it belongs to somebody else",
  METHOD_NOT_ALLOWED: "This path does not know this method",
  CONFLICT: "It contradicts what is there already",
  PAYLOAD_TOO_LARGE: "More bytes than are taken",
  UNSUPPORTED_MEDIA_TYPE: "The body is not declared as JSON",
  RATE_LIMITED: "Too many requests: wait for `Retry-After`",
  INTERNAL_ERROR: "Our fault, logged under the request id",
  SERVICE_UNAVAILABLE: "There is no room, or something that is needed does not answer: wait for `Retry-After`",
};

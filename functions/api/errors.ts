/** THE table of refusals: which code, message and headers each has, and which status each code has. */
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ErrorBody } from "../../schema/http/error.ts";
import type { Json } from "../../schema/json.ts";
import type { ErrorCode } from "../../schema/status.ts";
import type { Refusal } from "../domain/refusal.ts";
import type { ApiContext } from "./context.ts";

/** What only HTTP can refuse. */
export type HttpRefusal =
  | { kind: "invalid"; message: string; details: Json }
  | { kind: "unauthenticated" }
  | { kind: "forbidden"; message: string }
  | { kind: "unknown_path" }
  | { kind: "method_not_allowed"; allow: readonly string[] }
  | { kind: "too_large"; message: string; details: Json }
  | { kind: "unsupported_media_type"; message: string }
  | { kind: "internal" };

export type ApiRefusal = Refusal | HttpRefusal;
export type Checked<T> = { ok: true; value: T } | { ok: false; refusal: ApiRefusal };

export const statusOf = {
  INVALID_INPUT: 400,
  INVALID_STATE: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RATE_LIMITED: 429,
  INTERNAL_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
} as const satisfies Record<ErrorCode, ContentfulStatusCode>;

interface Reply {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

type Table = { [K in ApiRefusal["kind"]]: (refusal: Extract<ApiRefusal, { kind: K }>) => Reply };

const unauthorized: Reply = {
  code: "UNAUTHORIZED",
  message: "a valid bearer token is required",
  headers: { "WWW-Authenticate": 'Bearer realm="niyanta"' },
};
const retryAfter = (seconds: number) => ({ "Retry-After": String(Math.max(1, Math.ceil(seconds))) });

const table: Table = {
  invalid: ({ message, details }) => ({ code: "INVALID_INPUT", message, details }),
  unknown_workload_type: ({ workloadType, item }) => ({
    code: "INVALID_INPUT",
    message: "this workload type is not registered",
    details: { workload_type: workloadType, item },
  }),
  unknown_pool: ({ pool }) => ({ code: "INVALID_INPUT", message: "there is no such pool", details: { pool } }),
  wrong_state: ({ status, action }) => ({
    code: "INVALID_STATE",
    message: `${action} is not possible in status ${status}`,
    details: { status, action },
  }),
  batch_exceeds_queue: ({ queueDepthMax }) => ({
    code: "INVALID_INPUT",
    message: "a batch larger than the queue of this customer can never be taken",
    details: { queue_depth_max: queueDepthMax },
  }),
  unstorable: () => ({ code: "INVALID_INPUT", message: "the database cannot hold this submission" }),
  unauthenticated: () => unauthorized,
  unknown_customer: () => unauthorized,
  forbidden: ({ message }) => ({ code: "FORBIDDEN", message }),
  customer_suspended: () => ({ code: "FORBIDDEN", message: "this customer is suspended" }),
  unknown_path: () => ({ code: "NOT_FOUND", message: "there is nothing at this path" }),
  unknown_workload: () => ({ code: "NOT_FOUND", message: "there is no such workload" }),
  method_not_allowed: ({ allow }) => ({
    code: "METHOD_NOT_ALLOWED",
    message: "this path does not know this method",
    headers: { Allow: allow.join(", ") },
  }),
  idempotency_conflict: () => ({
    code: "CONFLICT",
    message: "this Idempotency-Key was used with another request",
  }),
  too_large: ({ message, details }) => ({ code: "PAYLOAD_TOO_LARGE", message, details }),
  unsupported_media_type: ({ message }) => ({ code: "UNSUPPORTED_MEDIA_TYPE", message }),
  rate_limited: ({ retryAfterSeconds }) => ({
    code: "RATE_LIMITED",
    message: "too many requests",
    headers: retryAfter(retryAfterSeconds),
  }),
  queue_full: ({ queueDepthMax, retryAfterSeconds }) => ({
    code: "SERVICE_UNAVAILABLE",
    message: "the queue of this customer is full",
    details: { queue_depth_max: queueDepthMax },
    headers: retryAfter(retryAfterSeconds),
  }),
  unavailable: ({ what, retryAfterSeconds }) => ({
    code: "SERVICE_UNAVAILABLE",
    message: `the ${what} does not answer`,
    details: { dependency: what },
    headers: retryAfter(retryAfterSeconds),
  }),
  internal: () => ({ code: "INTERNAL_ERROR", message: "an internal error, logged under this request id" }),
};

const lookUp = <K extends ApiRefusal["kind"]>(refusal: Extract<ApiRefusal, { kind: K }>, kind: K): Reply =>
  table[kind](refusal);

export function refuse(c: ApiContext, refusal: ApiRefusal): Response {
  const { code, message, details = null, headers = {} } = lookUp(refusal, refusal.kind);
  const body: ErrorBody = { error: { code, message, details, request_id: c.var.requestId } };
  return c.json(body, statusOf[code], { ...headers });
}

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
  | { kind: "unknown_config" }
  | { kind: "unknown_key" }
  | { kind: "unknown_worker" }
  | { kind: "no_such_customer" }
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
  readonly message: string;
  readonly details?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Entry<R> {
  readonly code: ErrorCode;
  readonly reply: (refusal: R) => Reply;
}

type Table = { readonly [K in ApiRefusal["kind"]]: Entry<Extract<ApiRefusal, { kind: K }>> };

const always = (code: ErrorCode, message: string, headers: Reply["headers"] = {}): Entry<unknown> => ({
  code,
  reply: () => ({ message, headers }),
});
const challenge = { "WWW-Authenticate": 'Bearer realm="niyanta"' };
const unauthorized = always("UNAUTHORIZED", "a valid bearer token is required", challenge);
const retryAfter = (seconds: number) => ({ "Retry-After": String(Math.max(1, Math.ceil(seconds))) });

const table: Table = {
  invalid: { code: "INVALID_INPUT", reply: ({ message, details }) => ({ message, details }) },
  unknown_workload_type: {
    code: "INVALID_INPUT",
    reply: ({ workloadType, item }) => ({
      message: "this workload type is not registered",
      details: { workload_type: workloadType, item },
    }),
  },
  unknown_pool: {
    code: "INVALID_INPUT",
    reply: ({ pool }) => ({ message: "there is no such pool", details: { pool } }),
  },
  wrong_state: {
    code: "INVALID_STATE",
    reply: ({ status, action }) => ({
      message: `${action} is not possible in status ${status}`,
      details: { status, action },
    }),
  },
  batch_exceeds_queue: {
    code: "INVALID_INPUT",
    reply: ({ queueDepthMax }) => ({
      message: "a batch larger than the queue of this customer can never be taken",
      details: { queue_depth_max: queueDepthMax },
    }),
  },
  unstorable: always("INVALID_INPUT", "the database cannot hold this request"),
  unauthenticated: unauthorized,
  unknown_customer: unauthorized,
  forbidden: { code: "FORBIDDEN", reply: ({ message }) => ({ message }) },
  customer_suspended: always("FORBIDDEN", "this customer is suspended"),
  unknown_path: always("NOT_FOUND", "there is nothing at this path"),
  unknown_workload: always("NOT_FOUND", "there is no such workload"),
  unknown_config: always("NOT_FOUND", "there is no such workload type"),
  unknown_key: always("NOT_FOUND", "there is no such key"),
  unknown_worker: always("NOT_FOUND", "there is no such worker"),
  no_such_customer: always("NOT_FOUND", "there is no such customer"),
  method_not_allowed: {
    code: "METHOD_NOT_ALLOWED",
    reply: ({ allow }) => ({ message: "this path does not know this method", headers: { Allow: allow.join(", ") } }),
  },
  idempotency_conflict: always("CONFLICT", "this Idempotency-Key was used with another request"),
  too_large: { code: "PAYLOAD_TOO_LARGE", reply: ({ message, details }) => ({ message, details }) },
  unsupported_media_type: { code: "UNSUPPORTED_MEDIA_TYPE", reply: ({ message }) => ({ message }) },
  rate_limited: {
    code: "RATE_LIMITED",
    reply: ({ retryAfterSeconds }) => ({ message: "too many requests", headers: retryAfter(retryAfterSeconds) }),
  },
  queue_full: {
    code: "SERVICE_UNAVAILABLE",
    reply: ({ queueDepthMax, retryAfterSeconds }) => ({
      message: "the queue of this customer is full",
      details: { queue_depth_max: queueDepthMax },
      headers: retryAfter(retryAfterSeconds),
    }),
  },
  unavailable: {
    code: "SERVICE_UNAVAILABLE",
    reply: ({ what, retryAfterSeconds }) => ({
      message: `the ${what} does not answer`,
      details: { dependency: what },
      headers: retryAfter(retryAfterSeconds),
    }),
  },
  internal: always("INTERNAL_ERROR", "an internal error, logged under this request id"),
};

/** For the document: which code a kind of refusal is answered with. */
export const codeOf = (kind: ApiRefusal["kind"]): ErrorCode => table[kind].code;

const lookUp = <K extends ApiRefusal["kind"]>(kind: K, refusal: Extract<ApiRefusal, { kind: K }>): Reply =>
  table[kind].reply(refusal);

/** The error as a body carries it; also of one item among many. */
export function errorOf(refusal: ApiRefusal): Omit<ErrorBody["error"], "request_id"> {
  const { message, details = null } = lookUp(refusal.kind, refusal);
  return { code: codeOf(refusal.kind), message, details };
}

export function refuse(c: ApiContext, refusal: ApiRefusal): Response {
  const { headers = {} } = lookUp(refusal.kind, refusal);
  const error = errorOf(refusal);
  const body: ErrorBody = { error: { ...error, request_id: c.var.requestId } };
  return c.json(body, statusOf[error.code], { ...headers });
}

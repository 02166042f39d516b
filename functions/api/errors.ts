/** THE table of refusals: which code, message and headers each has, and which status each code has. */
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ErrorBody } from "../../schema/http/error.ts";
import type { Json } from "../../schema/json.ts";
import { jwksRetrySeconds, watchTokenSeconds } from "../../schema/limits.ts";
import type { ErrorCode } from "../../schema/status.ts";
import type { Refusal } from "../domain/refusal.ts";
import type { ApiContext } from "./context.ts";
import { isoTime } from "./time.ts";
import { invalid } from "./validation.ts";

/** What only HTTP can refuse. */
export type HttpRefusal =
  | { kind: "invalid"; message: string; details: Json }
  | { kind: "unauthenticated" }
  | { kind: "issuer_unavailable" }
  | { kind: "forbidden"; message: string }
  | { kind: "doors_full" }
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

const watchersRetrySeconds = 10;

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
  batch_exceeds_burst: {
    code: "INVALID_INPUT",
    reply: ({ submitBurst }) => ({
      message: "a batch larger than the burst of this customer's rate can never be taken: send smaller batches",
      details: { submit_burst: submitBurst },
    }),
  },
  type_renamed: {
    code: "INVALID_INPUT",
    reply: ({ workloadType }) => ({
      message: "the name of a workload type does not change",
      details: { workload_type: workloadType },
    }),
  },
  expiry_past: {
    code: "INVALID_INPUT",
    reply: () => {
      const { message, details } = invalid([{ path: "expires_at", message: "in the past" }]);
      return { message, details };
    },
  },
  unstorable: always("INVALID_INPUT", "the database cannot hold this request"),
  unauthenticated: unauthorized,
  unknown_customer: unauthorized,
  forbidden: { code: "FORBIDDEN", reply: ({ message }) => ({ message }) },
  scope_not_held: {
    code: "FORBIDDEN",
    reply: ({ scopes }) => ({
      message: "a key can give only scopes that it has itself",
      details: { scopes: [...scopes] },
    }),
  },
  key_outlives: {
    code: "FORBIDDEN",
    reply: ({ expiresBy }) => ({
      message: "a key cannot outlive who asks for it",
      details: { expires_at: isoTime(expiresBy) },
    }),
  },
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
  type_exists: {
    code: "CONFLICT",
    reply: ({ workloadType }) => ({
      message: "there is a workload type of this name already",
      details: { workload_type: workloadType },
    }),
  },
  type_in_use: {
    code: "CONFLICT",
    reply: ({ workloadType }) => ({
      message: "there are workloads of this type",
      details: { workload_type: workloadType },
    }),
  },
  too_many_types: {
    code: "CONFLICT",
    reply: ({ typesMax }) => ({ message: "no more workload types than this", details: { types_max: typesMax } }),
  },
  key_over: always("CONFLICT", "this key is revoked or expired"),
  too_many_keys: {
    code: "CONFLICT",
    reply: ({ apiKeysMax }) => ({ message: "no more live keys than this", details: { api_keys_max: apiKeysMax } }),
  },
  idempotency_conflict: always("CONFLICT", "this Idempotency-Key was used with another request"),
  too_large: { code: "PAYLOAD_TOO_LARGE", reply: ({ message, details }) => ({ message, details }) },
  retry_too_large: {
    code: "PAYLOAD_TOO_LARGE",
    reply: ({ retryBytesMax }) => ({
      message: "the inputs before it in this batch leave no room for its own: retry it with another request",
      details: { bytes_max: retryBytesMax },
    }),
  },
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
  watchers_full: {
    code: "SERVICE_UNAVAILABLE",
    reply: ({ watchersMax }) => ({
      message: "this customer has as many live streams as it may have",
      details: { watchers_max: watchersMax },
      headers: retryAfter(watchersRetrySeconds),
    }),
  },
  doors_full: always(
    "SERVICE_UNAVAILABLE",
    "too many streams wait for their first message",
    retryAfter(watchTokenSeconds),
  ),
  unavailable: {
    code: "SERVICE_UNAVAILABLE",
    reply: ({ what, retryAfterSeconds }) => ({
      message: `the ${what} does not answer`,
      details: { dependency: what },
      headers: retryAfter(retryAfterSeconds),
    }),
  },
  issuer_unavailable: {
    code: "SERVICE_UNAVAILABLE",
    reply: () => ({
      message: "the issuer of tokens does not answer",
      details: { dependency: "issuer" },
      headers: retryAfter(jwksRetrySeconds),
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

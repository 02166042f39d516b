/** Headers of requests and replies, described once. */
import type { ZodOpenApiComponentsObject } from "zod-openapi";
import { exampleCursor } from "../../../schema/http/examples.ts";
import { idempotencyKeyLengthMax } from "../../../schema/limits.ts";
import type { Access, Route } from "../route.ts";

const whole = { type: "integer", minimum: 0 } as const;
const seconds = { type: "integer", minimum: 1 } as const;

export const replyHeaders = {
  "X-Request-Id": {
    description: "The id under which this request is logged",
    schema: { type: "string", pattern: "^[A-Za-z0-9._-]{1,128}$" },
  },
  "X-RateLimit-Limit": { description: "What the bucket holds when it is full", schema: whole },
  "X-RateLimit-Remaining": { description: "What it holds now", schema: whole },
  "X-RateLimit-Reset": { description: "Seconds until it is full again", schema: whole },
  "Retry-After": { description: "Seconds to wait before the next try", schema: seconds },
  "WWW-Authenticate": { description: "How to authenticate", schema: { type: "string" } },
} as const satisfies NonNullable<ZodOpenApiComponentsObject["headers"]>;

export type ReplyHeader = keyof typeof replyHeaders;

export const refer = (names: readonly ReplyHeader[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** Of replies to callers that have a bucket; an unauthenticated one has none, nor do open metrics. */
export function headersOf(access: Access, status: number): readonly ReplyHeader[] {
  const isCounted = access !== "public" && status !== 401 && status !== 101;
  return [
    "X-Request-Id",
    ...(isCounted ? (["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"] as const) : []),
    ...(status === 401 ? (["WWW-Authenticate"] as const) : []),
    ...(status === 429 || status === 503 ? (["Retry-After"] as const) : []),
  ];
}

export const requestHeaders = {
  RequestId: {
    name: "X-Request-Id",
    in: "header",
    description: "An id of your own for this request; one that is not sane is replaced.",
    schema: { type: "string", maxLength: 128 },
    example: "build-7f3a",
  },
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description: "Under which this request can be sent again with the same outcome. Printable ASCII.",
    schema: { type: "string", minLength: 1, maxLength: idempotencyKeyLengthMax, pattern: "^[!-~](?:[ -~]*[!-~])?$" },
    example: "report-42",
  },
  LastEventId: {
    name: "Last-Event-ID",
    in: "header",
    description:
      "The `id` of the last event that was seen, as browsers send it by themselves; it goes before `cursor`.",
    schema: { type: "string" },
    example: exampleCursor,
  },
} as const satisfies NonNullable<ZodOpenApiComponentsObject["parameters"]>;

type RequestHeader = keyof typeof requestHeaders;

export function requestHeadersOf({ idempotent, resumable }: Pick<Route, "idempotent" | "resumable">) {
  const names: RequestHeader[] = [
    ...(idempotent === true ? (["IdempotencyKey"] as const) : []),
    ...(resumable === true ? (["LastEventId"] as const) : []),
    "RequestId",
  ];
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

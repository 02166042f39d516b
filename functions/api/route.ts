/** What a route says of itself, once: the router, its middleware, the OpenAPI document and the tests are all made from it. */
import { z } from "zod";
import type { Json } from "../../schema/json.ts";
import type { Scope } from "../../schema/scopes.ts";
import type { ApiContext } from "./context.ts";
import { type ApiRefusal, type Checked, refuse } from "./errors.ts";
import { type Idempotency, idempotencyOf, readIdempotencyKey } from "./idempotency.ts";
import { readJson, readOptionalJson } from "./json-body.ts";
import { type QueryShape, readQuery } from "./query.ts";

/**
 * Who may call: a scope of `schema/scopes.ts`; `pool`: an agent with the token of its pool; `metrics`: who reads metrics;
 * `watcher`: like workloads:read, but the token may come in other places than the header; `public`: everybody.
 */
export type Access = "public" | "metrics" | "pool" | "watcher" | Scope;

const nothing: z.ZodType<object> = z.strictObject({});

export type Method = "GET" | "POST" | "PUT" | "DELETE";
export const tags = [
  "Workloads",
  "Live updates",
  "Workload types",
  "Customer",
  "API keys",
  "Admin",
  "Agents",
  "Operations",
] as const;

/** One promised reply. `schema` null: no body. `example` is what the document shows, and is checked against the schema. */
export interface ReplySpec {
  readonly description: string;
  readonly schema: z.ZodType | null;
  readonly example?: Json;
  /** Else `application/json`. */
  readonly media?: string;
  /** Headers beside those that every reply has: name to description. */
  readonly headers?: Readonly<Record<string, string>>;
}
export type Replies = Readonly<Record<number, ReplySpec>>;

type BodyOf<R extends ReplySpec> = R["schema"] extends z.ZodType ? z.input<R["schema"]> : null;

/** What a handler answers; a `Response` of its own only where the body is a stream, a text, or a socket. */
export type Reply<R extends Replies> = {
  [S in keyof R & number]: {
    readonly status: S;
    readonly body: BodyOf<R[S]>;
    readonly headers?: Readonly<Record<string, string>>;
  };
}[keyof R & number];

/** Keeps the status a literal, so that the body is checked against the schema that was promised for it. */
export const reply = <const S extends number, B>(
  status: S,
  body: B,
  headers: Readonly<Record<string, string>> = {},
) => ({
  status,
  body,
  headers,
});

export interface Refused {
  readonly refusal: ApiRefusal;
}

/** A part of the path, `{name}`: an id that is none names nothing, so it is refused like one that is unknown. */
export interface ParamSpec<T> {
  readonly schema: z.ZodType;
  /** Null: it is none. */
  readonly read: (text: string | undefined) => T | null;
  readonly unknown: ApiRefusal;
  readonly description: string;
  readonly example: string;
}

export const param = <S extends z.ZodType>(
  schema: S,
  about: Pick<ParamSpec<unknown>, "unknown" | "description" | "example">,
): ParamSpec<z.output<S>> => ({ ...about, schema, read: (text) => schema.safeParse(text).data ?? null });

export interface BodySpec<T> {
  readonly schema: z.ZodType<T>;
  /** A missing body reads as `{}`. */
  readonly optional?: boolean;
  readonly example: Json;
}

export interface Input<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** As it came over the wire. */
  readonly bodyBytes: number;
  /** Null: no Idempotency-Key was given, or this route takes none. */
  readonly idempotency: Idempotency | null;
}

export interface RouteSpec<P, Q extends object, B, R extends Replies> {
  readonly method: Method;
  /** As OpenAPI writes it: `/v1/workloads/{id}`. */
  readonly path: `/${string}`;
  readonly operationId: string;
  readonly tag: (typeof tags)[number];
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  /** Counted by the customer's coordinator, not in the bucket of other requests. */
  readonly submits?: boolean;
  /** Takes an Idempotency-Key. */
  readonly idempotent?: boolean;
  /** A stream of events that goes on after a Last-Event-ID. */
  readonly resumable?: boolean;
  readonly params?: { readonly [K in keyof P]: ParamSpec<P[K]> };
  readonly query?: QueryShape<Q>;
  readonly body?: BodySpec<B>;
  readonly replies: R;
  /** Beyond those that follow from access, parameters, query and body. */
  readonly refusals?: readonly ApiRefusal["kind"][];
  readonly handle: (input: Input<P, Q, B>, c: ApiContext) => Promise<Reply<R> | Refused | Response>;
}

/** A route with its types forgotten: what the router, the document and the tests see. */
export interface Route
  extends Pick<
    RouteSpec<unknown, object, unknown, Replies>,
    | "method"
    | "path"
    | "operationId"
    | "tag"
    | "summary"
    | "description"
    | "access"
    | "submits"
    | "idempotent"
    | "resumable"
    | "replies"
    | "refusals"
  > {
  readonly params: Readonly<Record<string, Omit<ParamSpec<unknown>, "read">>>;
  readonly query: { readonly schema: z.ZodType; readonly repeatable: readonly string[] } | null;
  readonly body: { readonly schema: z.ZodType; readonly optional?: boolean; readonly example: Json } | null;
  readonly serve: (c: ApiContext) => Promise<Response>;
}

export function route<
  P = Record<never, never>,
  Q extends object = Record<never, never>,
  B = null,
  const R extends Replies = Replies,
>(spec: RouteSpec<P, Q, B, R>): Route {
  return {
    ...spec,
    params: spec.params ?? {},
    query: spec.query ?? null,
    body: spec.body ?? null,
    serve: async (c) => {
      const input = await readInput(spec, c);
      if (!input.ok) return refuse(c, input.refusal);
      return respond(c, await spec.handle(input.value, c));
    },
  };
}

/** First where the request goes, then what it brings: an unknown id is 404 whatever else is wrong. */
async function readInput<P, Q extends object, B, R extends Replies>(
  spec: RouteSpec<P, Q, B, R>,
  c: ApiContext,
): Promise<Checked<Input<P, Q, B>>> {
  const params = readParams(spec, c);
  if (!params.ok) return params;
  const key = spec.idempotent === true ? readIdempotencyKey(c) : ({ ok: true, value: null } as const);
  if (!key.ok) return key;
  const query = readQuery(c.req.url, spec.query ?? noQuery<Q>());
  if (!query.ok) return query;
  const body = await readBody(spec, c);
  if (!body.ok) return body;
  const idempotency = await idempotencyOf(c, key.value, body.value.value);
  const { value, bytes } = body.value;
  return { ok: true, value: { params: params.value, query: query.value, body: value, bodyBytes: bytes, idempotency } };
}

/** A parameter that no route declares is a mistake of the caller's, like an unknown field. */
const noQuery = <Q extends object>(): QueryShape<Q> => ({ schema: nothing as z.ZodType<Q>, repeatable: [], times: [] });

function readParams<P, Q extends object, B, R extends Replies>(
  { params }: RouteSpec<P, Q, B, R>,
  c: ApiContext,
): Checked<P> {
  const read: Partial<P> = {};
  for (const name in params) {
    const { read: readOne, unknown } = params[name];
    const value = readOne(c.req.param(name));
    if (value === null) return { ok: false, refusal: unknown };
    read[name] = value;
  }
  return { ok: true, value: read as P }; // every name of P was read
}

async function readBody<P, Q extends object, B, R extends Replies>(
  { body }: RouteSpec<P, Q, B, R>,
  c: ApiContext,
): Promise<Checked<{ value: B; bytes: number }>> {
  if (body === undefined) return { ok: true, value: { value: null as B, bytes: 0 } };
  return body.optional === true ? readOptionalJson(c.req.raw, body.schema) : readJson(c.req.raw, body.schema);
}

function respond<R extends Replies>(c: ApiContext, outcome: Reply<R> | Refused | Response): Response {
  if (outcome instanceof Response) return outcome;
  if ("refusal" in outcome) return refuse(c, outcome.refusal);
  for (const [name, value] of Object.entries(outcome.headers ?? {})) c.header(name, value);
  const status = outcome.status as 200; // the routes name the statuses; Hono's type wants one of its list
  return outcome.body === null ? c.body(null, status) : c.json(outcome.body as Json, status);
}

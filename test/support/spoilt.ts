/** Requests with one thing wrong, each of which must be refused, with the statuses that may say so. */
import { bodyBytesMax, idempotencyKeyLengthMax, jsonDepthMax } from "../../schema/limits.ts";
import type { Conformance } from "./conformance.ts";
import { type Call, type Documented, followed, type Parameter, type Schema } from "./documented.ts";
import type { RawRequest } from "./raw-http.ts";
import { type Parts, requestOf } from "./requests.ts";

export interface Spoilt {
  readonly what: string;
  readonly request: RawRequest;
  readonly statuses: readonly number[];
}

/** Fields that are ours to set, whatever a client says. */
const ownFields = [
  ...["status", "worker_id", "workload_id", "generation", "customer_id", "created_at", "updated_at", "retry_count"],
  ...["death_count", "progress_percent", "checkpoint_sequence", "result_data", "error", "scheduled_at", "key_hash"],
];
const wrongValues = [null, true, -1, 1.5, 1e12, "", "\u0001", "x".repeat(5_000), [], [null], {}, { a: 1 }];
const wrongTexts = ["", "abc", "-1", "1.5", "1e3", "99999999999", "yesterday", "é", "\u0000", "x".repeat(600)];
const wrongIds = [
  "x",
  "0",
  "null",
  "%00",
  "%ff",
  "wl_",
  "WL_01ARZ3NDEKTSV4RRFFQ69G5FAV",
  "wl_81arz3ndektsv4rrffq69g5fav",
  "y".repeat(300),
];
const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

/** Written as JSON, as `JSON.stringify` would not write them. */
const wrongJson: readonly (readonly [string, string])[] = [
  ["a number out of range", "1e400"],
  ["a NUL", '"a\\u0000b"'],
  ["a NUL in a key", '{"a\\u0000b":1}'],
  ["half a surrogate pair", '"\\ud800"'],
  ["half a surrogate pair in a key", '{"\\udfff":1}'],
  ["a key that reaches a prototype", '{"__proto__":{"status":"COMPLETED"}}'],
  ["a constructor", '{"a":{"constructor":{"prototype":{}}}}'],
  ["a level too many", deep(jsonDepthMax)],
  ["thousands of levels", deep(100_000)],
  ["a key twice", '{"a":1,"\\u0061":1}'],
];
const notJson = ["{", "{]", '{"a":1,}', "{'a':1}", "undefined", "NaN", '{"a":01}', '"', "\u00a0{}", "{}{}", "[1,"];
const wrongTypes = [
  ...["text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded", "application"],
  ...["application/json; charset=utf-16", "application/json5", "application/json; charset=latin1"],
];

export interface Source {
  readonly document: Documented;
  readonly conformance: Conformance;
  readonly authorization: string;
  /** Of something that there is not, first of all that is said: whatever else is wrong. */
  readonly isKnown: (id: string) => boolean;
}

/** Everything that can be spoilt in this request, which is otherwise as it should be. */
export function spoil(source: Source, call: Call, given: Parts): Spoilt[] {
  const parts = { ...given, headers: {} };
  const good = requestOf(call, parts, source.authorization);
  return [
    ...spoiltQueries(source, call, parts),
    ...spoiltPaths(source, call, parts),
    ...spoiltKeys(call, good),
    ...(call.body === null
      ? []
      : [...spoiltTexts(good), ...spoiltTypes(good), ...spoiltFields(source, call, good, parts)]),
  ];
}

const refused = (what: string, request: RawRequest, statuses: readonly number[] = [400]): Spoilt => ({
  what,
  request,
  statuses,
});

function spoiltQueries({ authorization, conformance, isKnown }: Source, call: Call, parts: Parts): Spoilt[] {
  const statuses = Object.values(parts.path).every(isKnown) ? [400] : [400, 404];
  const asked = (what: string, query: Parts["query"]) =>
    refused(what, requestOf(call, { ...parts, query }, authorization));
  const ofQuery = call.parameters.filter((one) => one.in === "query");
  return [
    asked("a query parameter that nobody knows", [...parts.query, ["zz", "1"]]),
    asked("a query parameter named like a prototype", [...parts.query, ["__proto__", "1"]]),
    asked("a NUL in a query", [...parts.query, ["zz", "\u0000"]]),
    ...ofQuery.filter(({ schema }) => schema.type !== "array").map(({ name }) => asked(`${name} twice`, twice(name))),
    ...ofQuery.flatMap(({ name, schema }) =>
      wrongTexts
        .filter((text) => isWrong(conformance, schema, text))
        .map((text) => asked(`${name}=${text}`, [...without(parts.query, name), [name, text]])),
    ),
    ...ofQuery
      .filter(({ name }) => name === "cursor")
      .flatMap(() =>
        ["x", "e30", "bm9wZQ", "!!!"].map((text) => ({
          ...asked(`cursor=${text}`, [...without(without(parts.query, "offset"), "cursor"), ["cursor", text]]),
          statuses,
        })),
      ),
  ];
}

const twice = (name: string): Parts["query"] => [
  [name, "1"],
  [name, "1"],
];
const without = (query: Parts["query"], name: string) => query.filter(([other]) => other !== name);

/** The text of a number is checked as the number that it writes. */
function isWrong({ problemsOf }: Conformance, schema: Schema, text: string): boolean {
  if (schema.type === "array") return false;
  const value = schema.type === "integer" ? (/^\d{1,9}$/.test(text) ? Number(text) : text) : text;
  return text.includes("\u0000") || problemsOf(schema, value).length > 0;
}

function spoiltPaths({ authorization, document, conformance }: Source, call: Call, parts: Parts): Spoilt[] {
  const inPath = call.parameters.filter((one) => one.in === "path");
  return inPath.flatMap(({ name, schema }: Parameter) =>
    wrongIds
      .filter((id) => id.includes("%") || conformance.problemsOf(followed(document, schema) as Schema, id).length > 0)
      .map((id) => {
        const { path, ...request } = requestOf(
          call,
          { ...parts, path: { ...parts.path, [name]: "~id~" } },
          authorization,
        );
        return refused(`the id ${id}`, { ...request, path: path.replace("~id~", id) }, [404]);
      }),
  );
}

function spoiltKeys({ parameters }: Call, good: RawRequest): Spoilt[] {
  if (!parameters.some(({ name }) => name === "Idempotency-Key")) return [];
  return ["", "x".repeat(idempotencyKeyLengthMax + 1), "a\tb", "caf\u00e9"].map((key) =>
    refused(`the Idempotency-Key '${key.slice(0, 9)}'`, {
      ...good,
      headers: { ...good.headers, "Idempotency-Key": key },
    }),
  );
}

const json = { "content-type": "application/json" };
const withBody = (
  good: RawRequest,
  body: RawRequest["body"],
  headers = json as Record<string, string>,
): RawRequest => ({
  ...good,
  headers: { ...good.headers, ...headers },
  body,
});

function spoiltTexts(good: RawRequest): Spoilt[] {
  const big = `{"a":"${"x".repeat(bodyBytesMax)}"}`;
  return [
    ...notJson.map((text) => refused(`the body ${text}`, withBody(good, text))),
    ...["[]", "null", "1", '"x"', "true"].map((text) => refused(`the body ${text}`, withBody(good, text))),
    ...wrongJson.map(([what, text]) => refused(`${what} as the body`, withBody(good, text))),
    refused("bytes that are not UTF-8", withBody(good, Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d))),
    refused("more bytes than are taken", withBody(good, big), [413]),
  ];
}

function spoiltTypes(good: RawRequest): Spoilt[] {
  const types = wrongTypes.map((type) =>
    refused(`the type ${type}`, withBody(good, "{}", { "content-type": type }), [415]),
  );
  return [...types, refused("an encoding", withBody(good, "{}", { ...json, "content-encoding": "gzip" }), [415])];
}

function spoiltFields({ document, conformance }: Source, call: Call, good: RawRequest, { body = {} }: Parts): Spoilt[] {
  const schema = followed(document, call.body?.schema ?? {}) as Schema;
  const isBad = (changed: object) => conformance.problemsOf(schema, changed).length > 0;
  const fields = { ...(body as object) };
  const names = Object.keys((schema.properties ?? {}) as object);
  const changes = [
    ...ownFields.map((name) => [`a ${name} of its own`, { ...fields, [name]: "x" }] as const),
    ...names.map((name) => [`no ${name}`, { ...fields, [name]: undefined }] as const),
    ...names.flatMap((name) => wrongValues.map((value) => [`a wrong ${name}`, { ...fields, [name]: value }] as const)),
  ];
  const parsed = changes.map(([what, changed]) => [what, JSON.stringify(changed)] as const);
  const bad = parsed.filter(([, text]) => isBad(JSON.parse(text)));
  const [first = "a"] = names;
  const written = wrongJson.map(([what, value]) => [`${what} in ${first}`, prefixed(fields, first, value)] as const);
  return [...bad, ...written, ["a field twice", repeated(fields)] as const].map(([what, text]) =>
    refused(what, withBody(good, text)),
  );
}

/** The object with that value, as text, in place of what the field was. */
function prefixed(fields: object, name: string, value: string): string {
  const others = JSON.stringify({ ...fields, [name]: undefined }).slice(1, -1);
  return `{${JSON.stringify(name)}:${value}${others === "" ? "" : ","}${others}}`;
}

function repeated(fields: object): string {
  const [[name, value] = ["a", 1]] = Object.entries(fields);
  const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
  return `{${member},${JSON.stringify(fields).slice(1, -1) || member}}`;
}

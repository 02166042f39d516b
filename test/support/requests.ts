/** From an operation of the document to requests: such as it asks for, as arbitraries. */
import fc from "fast-check";
import { arbitraries, type Known } from "./arbitraries.ts";
import type { Call, Documented, Parameter } from "./documented.ts";
import type { RawRequest } from "./raw-http.ts";

/** The parts of a request, still apart, so that one of them can be spoilt. */
export interface Parts {
  readonly path: Readonly<Record<string, string>>;
  readonly query: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: none is sent. */
  readonly body: unknown;
}

export function partsOf(document: Documented, known: Known, { parameters, body }: Call): fc.Arbitrary<Parts> {
  const make = arbitraries(document, known);
  const place = (where: Parameter["in"]) => {
    const here = parameters.filter((one) => one.in === where);
    const required = here.filter((one) => one.required === true).map(({ name }) => name);
    const values = Object.fromEntries(
      here.map(({ name, schema }) => [name, name === "cursor" ? rarely(make(schema, name)) : make(schema, name)]),
    );
    return fc.record(values, { requiredKeys: required, noNullPrototype: true });
  };
  return fc.record({
    path: place("path").map(asTexts),
    query: place("query").map((query) => Object.entries(query).flatMap(([name, value]) => pairs(name, value))),
    headers: place("header").map(asTexts),
    body:
      body === null
        ? fc.constant(undefined)
        : ofBody(
            fc.oneof(
              { weight: 9, arbitrary: make(body.schema, "") },
              { weight: 1, arbitrary: fc.constant(body.example) },
            ),
            body.required,
          ),
  });
}

/** A cursor that was not given out is refused. */
const rarely = (some: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: some });

const ofBody = (body: fc.Arbitrary<unknown>, required: boolean) =>
  required ? body : fc.oneof({ weight: 4, arbitrary: body }, { weight: 1, arbitrary: fc.constant(undefined) });

const asTexts = (values: object): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));

const pairs = (name: string, value: unknown): [string, string][] =>
  [value]
    .flat()
    .filter((one) => one !== undefined)
    .map((one) => [name, String(one)]);

const upgrade = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

export function requestOf({ method, path, operation }: Call, parts: Parts, authorization: string): RawRequest {
  const query = parts.query.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(parts.path[name] ?? ""));
  return {
    method,
    path: query === "" ? filled : `${filled}?${query}`,
    headers: {
      ...(authorization === "" ? {} : { authorization }),
      ...("101" in operation.responses ? upgrade : {}),
      ...(parts.body === undefined ? {} : { "content-type": "application/json" }),
      ...parts.headers,
    },
    body: parts.body === undefined ? null : JSON.stringify(parts.body),
  };
}

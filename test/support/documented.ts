/** The OpenAPI document as tests read it: operations with everything that belongs to them, references followed. */

export type Schema = Readonly<Record<string, unknown>>;

export interface Content {
  readonly schema: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly $ref: string }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly description?: string;
  readonly required?: boolean;
  readonly schema: Schema;
  readonly example?: unknown;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly headers?: Schema;
        readonly content?: Readonly<Record<string, Content>>;
      }
    >
  >;
}

interface Raw {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Documented extends Raw {
  examplesOf(examples: Content["examples"]): readonly unknown[];
}

/** One operation, ready to be called. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
  readonly parameters: readonly Parameter[];
  /** Null: it takes none. */
  readonly body: { readonly schema: Schema; readonly required: boolean; readonly example: unknown } | null;
}

export function documentOf(text: string): Documented {
  const raw = JSON.parse(text) as Raw;
  const examplesOf: Documented["examplesOf"] = (examples = {}) =>
    Object.values(examples).map((example) => (followed(raw, example) as { value: unknown }).value);
  return { ...raw, examplesOf };
}

const names = /^#\/components\/(\w+)\/(.+)$/;

/** What a reference stands for; what is none stands for itself. */
export function followed(document: Raw, value: object): unknown {
  if (!("$ref" in value)) return value;
  const [, kind = "", name = ""] = names.exec(String(value.$ref)) ?? [];
  const target = document.components[kind]?.[name];
  if (target === undefined) throw new Error(`the document refers to ${value.$ref}, which is not there`);
  return target;
}

export const operationsOf = (document: Documented): Call[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => callOf(document, method.toUpperCase(), path, operation)),
  );

/** Ids by the field that they stand in, where no pattern says so. */
const kindsByField: Readonly<Record<string, string>> = {
  ...{ ids: "wl", workload_id: "wl", config_id: "wlcfg" },
  ...{ key_id: "key", customer_id: "cust", worker_id: "wkr" },
};

/** Of which kinds of thing it takes ids, in whatever part of a request. */
export function idKindsOf(document: Raw, { parameters, body }: Call): ReadonlySet<string> {
  const text = spelledOut(document, [parameters.map(({ schema }) => schema), body?.schema]);
  const byPattern = text.matchAll(/"pattern":"\^(wl|wlcfg|key|cust|wkr)_/g);
  const byField = text.matchAll(/"(\w+)":\{/g);
  return new Set([
    ...Array.from(byPattern, ([, kind = ""]) => kind),
    ...Array.from(byField, ([, field = ""]) => kindsByField[field] ?? []).flat(),
  ]);
}

/** As text, with what a reference stands for in its place; once, as some lead back to themselves. */
function spelledOut(document: Raw, value: unknown): string {
  const seen = new Set<unknown>();
  return JSON.stringify(value, (_, one: unknown) => {
    if (typeof one !== "object" || one === null || !("$ref" in one)) return one;
    if (seen.has(one.$ref)) return {};
    seen.add(one.$ref);
    return followed(document, one);
  });
}

function callOf(document: Documented, method: string, path: string, operation: Operation): Call {
  const content = operation.requestBody?.content["application/json"];
  return {
    method,
    path,
    operation,
    parameters: (operation.parameters ?? []).map((parameter) => followed(document, parameter) as Parameter),
    body:
      content === undefined
        ? null
        : { schema: content.schema, required: operation.requestBody?.required === true, example: content.example },
  };
}

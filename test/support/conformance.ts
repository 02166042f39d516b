/** Whether a value is what a schema of the document says; replies must have no field that it does not name. */
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { Documented, Schema } from "./documented.ts";

export interface Conformance {
  /** Empty: it is. */
  problemsOf(schema: Schema, value: unknown): readonly string[];
}

export function conformance(document: Pick<Documented, "components">): Conformance {
  const ajv = new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    allErrors: false,
    keywords: ["example", "components"],
  });
  formats.default(ajv);
  ajv.addSchema({ $id: "document", components: closed(document.components) } as AnySchemaObject, "document");
  const compiled = new WeakMap<Schema, ValidateFunction>();
  return {
    problemsOf(schema, value) {
      const validate = compiled.get(schema) ?? ajv.compile(absolute(schema));
      compiled.set(schema, validate);
      if (validate(value)) return [];
      return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
    },
  };
}

const absolute = (schema: Schema): AnySchemaObject =>
  JSON.parse(JSON.stringify(closed(schema)).replaceAll('"#/components/', '"document#/components/'));

/** The document leaves replies open, for fields to come; one that it does not name today is a mistake. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, closed(one)]));
  const isOpen = inner.type === "object" && inner.properties !== undefined && inner.additionalProperties === undefined;
  return isOpen ? { ...inner, additionalProperties: false } : inner;
}

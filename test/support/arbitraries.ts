/** From schemas of the document to values that they allow, with what lies on their borders. */
import fc from "fast-check";
import { type Documented, followed, type Schema } from "./documented.ts";

/** Texts worth trying for a field of that name and pattern, such as ids of what exists. */
export type Known = (name: string, pattern: string) => readonly string[];

type Make = (schema: Schema, name: string) => fc.Arbitrary<unknown>;

/** Mostly what is likely to be taken, else every case would be refused for something. */
const mostly = (likely: fc.Arbitrary<unknown>, rare: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 12, arbitrary: likely }, { weight: 1, arbitrary: rare });

const itemsTried = 3;
const lengthTried = 24;

export function arbitraries(document: Documented, known: Known): Make {
  const make: Make = (given, name) => {
    const schema = followed(document, given) as Schema;
    if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
    if ("const" in schema) return fc.constant(schema.const);
    const options = schema.anyOf ?? schema.oneOf;
    if (Array.isArray(options)) return fc.oneof(...options.map((option) => make(option, name)));
    const ofType = byType[String(schema.type)];
    return ofType === undefined ? anyJson : ofType(schema, make, name, known);
  };
  return make;
}

/** Without keys that reach a prototype: those are refused, and tried elsewhere. */
const anyJson = fc
  .jsonValue({ maxDepth: 3 })
  .filter((value) => !/__proto__|constructor|prototype/.test(JSON.stringify(value)));

type OfType = (schema: Schema, make: Make, name: string, known: Known) => fc.Arbitrary<unknown>;

const byType: Readonly<Record<string, OfType | undefined>> = {
  null: () => fc.constant(null),
  boolean: () => fc.boolean(),
  integer: ({ minimum = -1_000, maximum = 1_000_000 }) => {
    const [min, max] = [Number(minimum), Number(maximum)];
    return fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max }));
  },
  number: ({ minimum = -1_000, maximum = 1_000_000 }) =>
    fc.double({ min: Number(minimum), max: Number(maximum), noNaN: true }),
  string: (schema, _make, name, known) => texts(schema, name, known),
  array: ({ items, minItems = 0 }, make, name) =>
    fc.array(make((items ?? {}) as Schema, name), {
      minLength: Number(minItems),
      maxLength: Number(minItems) + itemsTried,
    }),
  object: (schema, make) => objects(schema, make),
};

/** Fields of ids that take any text, and answer one that is no id as one that nobody has. */
const patternsOfIds: Readonly<Record<string, string | undefined>> = { ids: "^wl_", workload_id: "^wl_" };

function texts(schema: Schema, name: string, known: Known): fc.Arbitrary<unknown> {
  const { pattern = "", format, minLength = 0, maxLength = lengthTried } = schema;
  if (format === "date-time") return times;
  if (name === "Idempotency-Key")
    return mostly(fc.uuid(), matching(String(pattern), Number(minLength), Number(maxLength)));
  const [first, ...others] = known(name, String(schema.pattern ?? patternsOfIds[name] ?? ""));
  const any =
    pattern === ""
      ? plain(Number(minLength), Number(maxLength))
      : matching(String(pattern), Number(minLength), Number(schema.maxLength ?? 1_000));
  return first === undefined ? any : mostly(fc.constantFrom(first, ...others), any);
}

const matching = (pattern: string, min: number, max: number) =>
  fc.stringMatching(new RegExp(pattern)).filter(({ length }) => length >= min && length <= max);

const plain = (min: number, max: number) =>
  mostly(
    fc.string({ unit: "grapheme-ascii", minLength: min, maxLength: Math.max(min, Math.min(max, lengthTried)) }),
    fc.constantFrom("x".repeat(min), "x".repeat(max)),
  );

const around = { min: new Date(Date.now() - 86_400_000), max: new Date(Date.now() + 86_400_000), noInvalidDate: true };
const ever = { min: new Date("1970-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true };
const written = (dates: fc.Arbitrary<Date>) => dates.map((date) => date.toISOString());
const odd = ["2028-02-29T23:59:59Z", "2026-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"];
const times = mostly(written(fc.date(around)), fc.oneof(written(fc.date(ever)), fc.constantFrom(...odd)));

function objects(schema: Schema, make: Make): fc.Arbitrary<unknown> {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  const required = (schema.required ?? []) as string[];
  const record = fc.record(Object.fromEntries(properties.map(([name, one]) => [name, make(one, name)])), {
    requiredKeys: required,
    noNullPrototype: true,
  });
  const { additionalProperties: others, propertyNames: names } = schema;
  if (typeof others !== "object" || others === null) return record;
  const keys = make((names ?? { type: "string" }) as Schema, "").map(String);
  return fc.dictionary(keys, make(others as Schema, ""), { maxKeys: itemsTried, noNullPrototype: true });
}

/** Where a schema of ours says more, or less, as OpenAPI than its JSON schema does by itself. */
import { z } from "zod";
import type { CreateDocumentOptions } from "zod-openapi";

type Refine = NonNullable<CreateDocumentOptions["override"]>;

export const refine: Refine = ({ jsonSchema, zodSchema, io }) => {
  const { def } = zodSchema._zod;
  // A number of a query comes as text: the document names the number that the text must hold.
  if (def.type === "pipe" && io === "input") Object.assign(jsonSchema, numberOf(def.out));
  // Its default is a number too, and no text.
  if (def.type === "default" && typeof def.defaultValue === "number") jsonSchema.default = def.defaultValue;
  // Replies may gain fields, so a client must not rely on there being no others.
  if (def.type === "object" && io === "output" && def.catchall === undefined) delete jsonSchema.additionalProperties;
  // The format says it, and says it shorter.
  if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
};

function numberOf(schema: z.core.$ZodType): object {
  const { type, minimum, maximum } = z.toJSONSchema(schema, { unrepresentable: "any" });
  return type === "integer" ? { type, minimum, maximum, pattern: undefined } : {};
}

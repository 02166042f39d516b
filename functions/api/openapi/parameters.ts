/** Parameters of the path and the query; one name means the same in every operation. */
import { z } from "zod";
import type { ZodOpenApiParameters } from "zod-openapi";
import type { Route } from "../route.ts";

const queryTexts: Readonly<Record<string, string>> = {
  by: "What each row of the answer stands for",
  count: "`true`: the number of all that match, too",
  created_after: "Only what was created at this time or later",
  created_before: "Only what was created before this time",
  cursor: "Where the page before ended: its `next_cursor`; of a stream, the cursor of the last message that was seen",
  from: "Only what was submitted at this time or later; a date is the beginning of its day, UTC",
  label: "`name:value`, or `name` with any value; given more than once, all must hold",
  level: "Only lines of this level and above",
  limit: "How many at most",
  offset: "How many to leave out; not together with a cursor, which is faster and misses nothing",
  order_by: "Newest first, or most urgent first",
  pool: "Only of this pool",
  since: "Only what was logged at this time or later",
  status: "Only in this status",
  suspended: "Only those that are suspended, or are not",
  tier: "Only of this tier",
  to: "Only what was submitted before this time; a date is the beginning of its day, UTC",
  token: "The bearer token, for clients that cannot send a header",
  until: "Only what was logged before this time",
  workload_type: "Only of this type",
};

export function parametersOf({ params, query }: Route): ZodOpenApiParameters {
  const path = Object.entries(params).map(([name, { schema, description, example }]) => [
    name,
    schema.meta({ description, example }),
  ]);
  return {
    ...(path.length === 0 ? {} : { path: z.object(Object.fromEntries(path)) }),
    ...(query === null ? {} : { query: described(query.schema) }),
  };
}

function described(schema: z.ZodType) {
  if (!(schema instanceof z.ZodObject)) throw new Error("the query of a route is not an object");
  const fields = Object.entries(schema.shape).map(([name, field]) => [name, withText(field, queryTexts[name])]);
  return z.object(Object.fromEntries(fields));
}

const withText = (field: unknown, description: string | undefined) =>
  field instanceof z.ZodType && description !== undefined ? field.meta({ description }) : field;

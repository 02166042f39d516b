/** What an operation can be answered: its own replies, and the refusals that follow from what it is. */
import { z } from "zod";
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from "zod-openapi";
import { errorBodySchema } from "../../../schema/http/error.ts";
import type { ErrorCode } from "../../../schema/status.ts";
import { codeOf, errorOf, statusOf } from "../errors.ts";
import type { Replies, ReplySpec, Route } from "../route.ts";
import { headersOf, refer } from "./headers.ts";
import { exampleRefusals, exampleRequestId, meaningOf, type RefusalKind, refusalsOf } from "./refusals.ts";

/** `own` is a route's; where it promises a status itself, that says what the status means. */
export function responsesOf(route: Route): ZodOpenApiResponsesObject {
  const kinds = Map.groupBy(refusalsOf(route), (kind) => statusOf[codeOf(kind)]);
  const refused = Array.from(kinds, ([status, ofStatus]) => [status, refusedReply(route, status, ofStatus)] as const);
  const own = Object.entries(route.replies satisfies Replies).map(
    ([status, spec]) => [status, ownReply(route, Number(status), spec)] as const,
  );
  return Object.fromEntries([...refused, ...own]);
}

function ownReply({ access }: Route, status: number, spec: ReplySpec): ZodOpenApiResponseObject {
  const { description, schema, example, media = "application/json", headers = {} } = spec;
  const shown = Object.entries(headers).map(([name, text]) => [
    name,
    { description: text, schema: { type: "string" } },
  ]);
  return {
    description,
    headers: { ...refer(headersOf(access, status)), ...Object.fromEntries(shown) },
    ...(schema === null ? {} : { content: { [media]: { schema, ...(example === undefined ? {} : { example }) } } }),
  };
}

function refusedReply({ access }: Route, status: number, kinds: readonly RefusalKind[]): ZodOpenApiResponseObject {
  const codes = Array.from(new Set(kinds.map(codeOf)));
  const examples = kinds.map((kind) => [kind, { $ref: `#/components/examples/${kind}` }]);
  return {
    description: codes.map((code) => `${code}: ${meaningOf[code]}.`).join(" "),
    headers: refer(headersOf(access, status)),
    content: {
      "application/json": {
        schema: { $ref: `#/components/schemas/${errorName(codes)}` },
        examples: Object.fromEntries(examples),
      },
    },
  };
}

const word = (code: ErrorCode): string =>
  code.toLowerCase().replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());

const errorName = (codes: readonly ErrorCode[]): string => `${codes.map(word).join("Or")}Reply`;

/** The one error body, once for every set of codes that some status of some operation can have. */
export function errorSchemas(routes: readonly Route[]) {
  const sets = routes.flatMap((route) => {
    const byStatus = Map.groupBy(refusalsOf(route).map(codeOf), (code) => statusOf[code]);
    return Array.from(byStatus.values(), (codes) => Array.from(new Set(codes)));
  });
  const named = new Map(sets.map((codes) => [errorName(codes), restricted(codes)]));
  return Object.fromEntries(named);
}

const restricted = (codes: readonly ErrorCode[]) =>
  z.object({ error: errorBodySchema.shape.error.extend({ code: z.enum(codes) }) });

export function errorExamples(routes: readonly Route[]) {
  const used = new Set(routes.flatMap((route) => refusalsOf(route)));
  return Object.fromEntries(Array.from(used, (kind) => [kind, { summary: summaryOf(kind), value: bodyOf(kind) }]));
}

const summaryOf = (kind: RefusalKind): string => errorOf(exampleRefusals[kind]).message;
const bodyOf = (kind: RefusalKind) => ({
  error: { ...errorOf(exampleRefusals[kind]), request_id: exampleRequestId },
});

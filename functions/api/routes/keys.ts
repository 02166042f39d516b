/** API keys of the customer that asks: issued, read, rotated, revoked. */
import { exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import {
  createdKeySchema,
  createKeyBodySchema,
  keyListSchema,
  keyViewSchema,
  rotateKeyBodySchema,
} from "../../../schema/http/key.ts";
import { keyIdSchema } from "../../../schema/ids.ts";
import type { ApiDependencies } from "../context.ts";
import { direct } from "../directing.ts";
import { issueKey, rotateKey } from "../issuing.ts";
import { badCursor, examplePagination, pageShape, paginationOf } from "../page.ts";
import { param, type Route, reply, route } from "../route.ts";

export type KeyDeps = Pick<ApiDependencies, "store" | "coordinators" | "ids" | "newKey" | "clock">;

export const keyParam = param(keyIdSchema, {
  unknown: { kind: "unknown_key" },
  description: "The id of an API key",
  example: exampleIds.key,
});

export const exampleKeyBody = { name: "reports", scopes: ["workloads:read", "workloads:write"] };
const exampleKey = {
  key_id: exampleIds.key,
  ...exampleKeyBody,
  created_at: exampleTimes.created,
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
};
const exampleSecret = `nyt_${exampleIds.customer}_${"0123456789abcdef".repeat(4)}89abcdef`;

const once =
  "The secret is in this reply and nowhere else: the answer to the same request sent again has `api_key: null`. Who has " +
  "lost it rotates the key. No key is special: whoever revokes the last one that may write keys asks the operator for another.";

/** What issuing and rotating have in common. */
export const created = {
  201: {
    description: "The key; its secret is shown here and never again",
    schema: createdKeySchema,
    example: { ...exampleKey, api_key: exampleSecret },
    headers: { Location: "Where the key can be read, without its secret" },
  },
};

export const keyList = {
  200: {
    description: "A page of keys; none shows its secret",
    schema: keyListSchema,
    example: { api_keys: [exampleKey], pagination: examplePagination },
  },
};

/** Of a key that takes the place of another, and of a new one. */
const newSecretRefusals = ["scope_not_held", "too_many_keys", "unstorable", "unavailable"] as const;
export const issueRefusals = [...newSecretRefusals, "expiry_past", "key_outlives"] as const;
export const issueBody = { schema: createKeyBodySchema, example: exampleKeyBody };

export const createKey = (deps: KeyDeps): Route =>
  route({
    method: "POST",
    path: "/v1/api-keys",
    operationId: "createApiKey",
    tag: "API keys",
    summary: "Issue an API key",
    description: `A key can give only scopes that it has itself, and makes none that outlives it: without \`expires_at\` the new one expires with who asks. ${once}`,
    access: "keys:write",
    idempotent: true,
    body: issueBody,
    replies: created,
    refusals: issueRefusals,
    handle: async ({ body, idempotency }, c) => {
      const key = await issueKey(deps, c, c.var.customer.customerId, body, idempotency);
      return "refusal" in key ? key : reply(201, key, { Location: `/v1/api-keys/${key.key_id}` });
    },
  });

export const listKeys = ({ store }: KeyDeps): Route =>
  route({
    method: "GET",
    path: "/v1/api-keys",
    operationId: "listApiKeys",
    tag: "API keys",
    summary: "Keys of the customer, newest first, with those that are revoked or expired",
    access: "keys:read",
    query: pageShape,
    replies: keyList,
    handle: async ({ query }, c) => {
      const page = await store.apiKeys(c.var.customer.customerId, query);
      if (page === "bad_cursor") return badCursor;
      return reply(200, { api_keys: [...page.items], pagination: paginationOf(page, query.limit) });
    },
  });

export const getKey = ({ store }: KeyDeps): Route =>
  route({
    method: "GET",
    path: "/v1/api-keys/{id}",
    operationId: "getApiKey",
    tag: "API keys",
    summary: "One key, without its secret",
    access: "keys:read",
    params: { id: keyParam },
    replies: { 200: { description: "The key", schema: keyViewSchema, example: exampleKey } },
    handle: async ({ params: { id } }, c) => {
      const key = await store.apiKey(c.var.customer.customerId, id);
      return key === null ? { refusal: { kind: "unknown_key" } } : reply(200, key);
    },
  });

export const revokeKey = (deps: KeyDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/api-keys/{id}",
    operationId: "revokeApiKey",
    tag: "API keys",
    summary: "Revoke a key",
    description: "It stops working everywhere within five seconds. Revoking it again changes nothing.",
    access: "keys:write",
    params: { id: keyParam },
    replies: { 204: { description: "It is revoked", schema: null } },
    refusals: ["unavailable"],
    handle: async ({ params: { id } }, c) => {
      const change = { kind: "revoke_key" as const, what: { keyId: id } };
      const done = await direct(deps, c, c.var.customer.customerId, change);
      return "refusal" in done ? done : reply(204, null);
    },
  });

export const rotateApiKey = (deps: KeyDeps): Route =>
  route({
    method: "POST",
    path: "/v1/api-keys/{id}/rotate",
    operationId: "rotateApiKey",
    tag: "API keys",
    summary: "A new key in place of an old one, which goes on for a while",
    description: `Of the same name, scopes and expiry, which is no later than that of who asks; the old one expires after the overlap. ${once}`,
    access: "keys:write",
    idempotent: true,
    params: { id: keyParam },
    body: { schema: rotateKeyBodySchema, optional: true, example: { overlap_seconds: 3_600 } },
    replies: created,
    refusals: [...newSecretRefusals, "key_over"],
    handle: async ({ params: { id }, body, idempotency }, c) => {
      const key = await rotateKey(deps, c, c.var.customer.customerId, id, body.overlap_seconds, idempotency);
      return "refusal" in key ? key : reply(201, key, { Location: `/v1/api-keys/${key.key_id}` });
    },
  });

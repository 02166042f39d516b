/** For the operator: customers, their terms, and their first keys. */
import {
  createCustomerBodySchema,
  customerListSchema,
  customerQuerySchema,
  customerViewSchema,
  customerWithUsageSchema,
  updateCustomerBodySchema,
} from "../../../schema/http/customer.ts";
import { exampleIds } from "../../../schema/http/examples.ts";
import { customerIdSchema } from "../../../schema/ids.ts";
import { plainJson } from "../../../schema/json.ts";
import { limitsOf } from "../../../schema/tiers.ts";
import { limitsView, overridesOf } from "../../domain/customer-limits.ts";
import { direct } from "../directing.ts";
import { issueKey } from "../issuing.ts";
import { badCursor, examplePagination, pageShape, paginationOf } from "../page.ts";
import { param, type Route, reply, route } from "../route.ts";
import { isoTime } from "../time.ts";
import { customerWithUsage, exampleCustomer, exampleWithUsage } from "./customer.ts";
import { created, issueBody, issueRefusals, type KeyDeps, keyList, keyParam } from "./keys.ts";

const customerParam = param(customerIdSchema, {
  unknown: { kind: "no_such_customer" },
  description: "The id of a customer",
  example: exampleIds.customer,
});

const pathOfAll = "/v1/admin/customers";
const pathOfOne = "/v1/admin/customers/{id}";
const pathOfKeys = "/v1/admin/customers/{id}/api-keys";

export const createCustomer = ({ store, ids, clock }: KeyDeps): Route =>
  route({
    method: "POST",
    path: pathOfAll,
    operationId: "createCustomer",
    tag: "Admin",
    summary: "Make a customer",
    access: "admin",
    idempotent: true,
    body: {
      schema: createCustomerBodySchema,
      example: { name: "Example Ltd", tier: "standard", overrides: { running_max: 150 } },
    },
    replies: {
      201: {
        description: "It is there; it needs a key next",
        schema: customerViewSchema,
        example: exampleCustomer,
        headers: { Location: "Where the customer can be read" },
      },
    },
    refusals: ["unavailable"],
    handle: async ({ body, idempotency }) => {
      const [now, customerId] = [clock(), ids.customer()];
      const at = isoTime(now);
      const limits = limitsView(limitsOf(body.tier, overridesOf(body.overrides)));
      const view = { customer_id: customerId, ...body, suspended: false, limits, created_at: at, updated_at: at };
      const remember = idempotency === null ? null : { ...idempotency, reply: plainJson(view) };
      const done = await store.createCustomer(customerId, { ...body, suspended: false }, remember, now);
      if (done.kind === "conflict") return { refusal: { kind: "idempotency_conflict" } };
      const customer = done.kind === "created" ? view : customerViewSchema.parse(done.reply);
      return reply(201, customer, { Location: `${pathOfAll}/${customer.customer_id}` });
    },
  });

const customersShape = { schema: customerQuerySchema, repeatable: [], times: [] } as const;

export const listCustomers = ({ store }: KeyDeps): Route =>
  route({
    method: "GET",
    path: pathOfAll,
    operationId: "listCustomers",
    tag: "Admin",
    summary: "All customers, newest first",
    access: "admin",
    query: customersShape,
    replies: {
      200: {
        description: "A page of customers",
        schema: customerListSchema,
        example: { customers: [exampleCustomer], pagination: examplePagination },
      },
    },
    handle: async ({ query }) => {
      const page = await store.customers(query);
      if (page === "bad_cursor") return badCursor;
      return reply(200, { customers: [...page.items], pagination: paginationOf(page, query.limit) });
    },
  });

export const getOneCustomer = (deps: KeyDeps): Route =>
  route({
    method: "GET",
    path: pathOfOne,
    operationId: "getCustomerById",
    tag: "Admin",
    summary: "One customer, and what it makes use of now",
    access: "admin",
    params: { id: customerParam },
    replies: { 200: { description: "The customer", schema: customerWithUsageSchema, example: exampleWithUsage } },
    refusals: ["unavailable"],
    handle: async ({ params: { id } }, c) => {
      const customer = await customerWithUsage(deps, c, id);
      return "refusal" in customer ? customer : reply(200, customer);
    },
  });

export const updateCustomer = (deps: KeyDeps): Route =>
  route({
    method: "PUT",
    path: pathOfOne,
    operationId: "updateCustomer",
    tag: "Admin",
    summary: "Change a customer's name, tier or overrides, suspend it or let it go on",
    description:
      "What is not named stays; overrides are replaced as a whole. New limits hold from the next decision on. A suspended " +
      "customer is refused everywhere within five seconds; what it runs goes on, and nothing more of it is started.",
    access: "admin",
    params: { id: customerParam },
    body: { schema: updateCustomerBodySchema, example: { tier: "premium", overrides: {} } },
    replies: {
      200: { description: "The customer as it is now", schema: customerViewSchema, example: exampleCustomer },
    },
    refusals: ["unstorable", "unavailable"],
    handle: async ({ params: { id }, body }, c) => {
      if ((await deps.store.customer(id)) === null) return { refusal: { kind: "no_such_customer" } };
      const done = await direct(deps, c, id, { kind: "set_terms", what: body });
      return "refusal" in done ? done : reply(200, done.reply);
    },
  });

export const createCustomerKey = (deps: KeyDeps): Route =>
  route({
    method: "POST",
    path: pathOfKeys,
    operationId: "createCustomerApiKey",
    tag: "Admin",
    summary: "Issue a key of a customer: its first, or one in place of what it has lost",
    access: "admin",
    idempotent: true,
    params: { id: customerParam },
    body: issueBody,
    replies: { 201: { ...created[201], headers: {} } },
    refusals: issueRefusals,
    handle: async ({ params: { id }, body, idempotency }, c) => {
      if ((await deps.store.customer(id)) === null) return { refusal: { kind: "no_such_customer" } };
      const key = await issueKey(deps, c, id, body, idempotency);
      return "refusal" in key ? key : reply(201, key);
    },
  });

export const listCustomerKeys = ({ store }: KeyDeps): Route =>
  route({
    method: "GET",
    path: pathOfKeys,
    operationId: "listCustomerApiKeys",
    tag: "Admin",
    summary: "Keys of a customer, newest first",
    access: "admin",
    params: { id: customerParam },
    query: pageShape,
    replies: keyList,
    handle: async ({ params: { id }, query }) => {
      if ((await store.customer(id)) === null) return { refusal: { kind: "no_such_customer" } };
      const page = await store.apiKeys(id, query);
      if (page === "bad_cursor") return badCursor;
      return reply(200, { api_keys: [...page.items], pagination: paginationOf(page, query.limit) });
    },
  });

export const revokeCustomerKey = (deps: KeyDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/admin/customers/{id}/api-keys/{key_id}",
    operationId: "revokeCustomerApiKey",
    tag: "Admin",
    summary: "Revoke a key of a customer",
    access: "admin",
    params: { id: customerParam, key_id: keyParam },
    replies: { 204: { description: "It is revoked", schema: null } },
    refusals: ["unavailable"],
    handle: async ({ params: { id, key_id: keyId } }, c) => {
      if ((await deps.store.customer(id)) === null) return { refusal: { kind: "no_such_customer" } };
      const done = await direct(deps, c, id, { kind: "revoke_key", what: { keyId } });
      return "refusal" in done ? done : reply(204, null);
    },
  });

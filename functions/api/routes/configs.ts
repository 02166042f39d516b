/** Workload types: registered, read, replaced, deleted. */
import { configBodySchema, configListSchema, configTooLarge, configViewSchema } from "../../../schema/http/config.ts";
import { exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import { configIdSchema } from "../../../schema/ids.ts";
import { configBytesMax } from "../../../schema/limits.ts";
import type { ApiDependencies } from "../context.ts";
import { direct } from "../directing.ts";
import { badCursor, examplePagination, pageShape, paginationOf } from "../page.ts";
import { param, type Refused, type Route, reply, route } from "../route.ts";

type Deps = Pick<ApiDependencies, "store" | "coordinators" | "ids">;

const configParam = param(configIdSchema, {
  unknown: { kind: "unknown_config" },
  description: "The id of a workload type",
  example: exampleIds.config,
});

const exampleBody = {
  workload_type: "text.wordcount",
  description: "Counts the words of a file",
  config_json: { language: "en" },
  resource_limits: { cpu_cores: 1, memory_mb: 512 },
  checkpoint_interval_sec: 60,
  checkpoint_progress_percent: 10,
  max_retries: 3,
  retry_backoff: { base_ms: 1_000, cap_ms: 300_000 },
  timeout_seconds: 3_600,
};
const exampleConfig = {
  config_id: exampleIds.config,
  ...exampleBody,
  created_at: exampleTimes.created,
  updated_at: exampleTimes.created,
};

const pathOfAll = "/v1/workload-configs";
const pathOfOne = "/v1/workload-configs/{id}";

const configRefused: Refused = {
  refusal: {
    kind: "too_large",
    message: `config_json is larger than ${configBytesMax} bytes`,
    details: { bytes_max: configBytesMax },
  },
};

export const createConfig = (deps: Deps): Route =>
  route({
    method: "POST",
    path: pathOfAll,
    operationId: "createWorkloadConfig",
    tag: "Workload types",
    summary: "Register a workload type",
    access: "configs:write",
    idempotent: true,
    body: { schema: configBodySchema, example: exampleBody },
    replies: {
      201: {
        description: "It is registered: workloads of this type can be submitted",
        schema: configViewSchema,
        example: exampleConfig,
        headers: { Location: "Where the workload type can be read" },
      },
    },
    refusals: ["type_exists", "too_many_types", "unstorable", "unavailable"],
    handle: async ({ body, idempotency }, c) => {
      if (configTooLarge(body)) return configRefused;
      const change = { kind: "create_type" as const, what: { configId: deps.ids.config(), body } };
      const done = await direct(deps, c, c.var.customer.customerId, change, idempotency);
      if ("refusal" in done) return done;
      return reply(201, done.reply, { Location: `${pathOfAll}/${done.reply.config_id}` });
    },
  });

export const listConfigs = ({ store }: Deps): Route =>
  route({
    method: "GET",
    path: pathOfAll,
    operationId: "listWorkloadConfigs",
    tag: "Workload types",
    summary: "Workload types of the customer, newest first",
    access: "workloads:read",
    query: pageShape,
    replies: {
      200: {
        description: "A page of workload types",
        schema: configListSchema,
        example: { workload_configs: [exampleConfig], pagination: examplePagination },
      },
    },
    handle: async ({ query }, c) => {
      const page = await store.workloadTypes(c.var.customer.customerId, query);
      if (page === "bad_cursor") return badCursor;
      return reply(200, { workload_configs: [...page.items], pagination: paginationOf(page, query.limit) });
    },
  });

export const getConfig = ({ store }: Deps): Route =>
  route({
    method: "GET",
    path: pathOfOne,
    operationId: "getWorkloadConfig",
    tag: "Workload types",
    summary: "One workload type",
    access: "workloads:read",
    params: { id: configParam },
    replies: { 200: { description: "The workload type", schema: configViewSchema, example: exampleConfig } },
    handle: async ({ params: { id } }, c) => {
      const type = await store.workloadType(c.var.customer.customerId, id);
      return type === null ? { refusal: { kind: "unknown_config" } } : reply(200, type);
    },
  });

export const replaceConfig = (deps: Deps): Route =>
  route({
    method: "PUT",
    path: pathOfOne,
    operationId: "replaceWorkloadConfig",
    tag: "Workload types",
    summary: "Replace a workload type, all but its name",
    description:
      "What is not named gets its default. Workloads keep the retries, time-out and checkpoint policy that they were submitted under.",
    access: "configs:write",
    params: { id: configParam },
    body: { schema: configBodySchema, example: exampleBody },
    replies: {
      200: { description: "The workload type as it is now", schema: configViewSchema, example: exampleConfig },
    },
    refusals: ["type_renamed", "unstorable", "unavailable"],
    handle: async ({ params: { id }, body }, c) => {
      if (configTooLarge(body)) return configRefused;
      const change = { kind: "replace_type" as const, what: { configId: id, body } };
      const done = await direct(deps, c, c.var.customer.customerId, change);
      return "refusal" in done ? done : reply(200, done.reply);
    },
  });

export const deleteConfig = (deps: Deps): Route =>
  route({
    method: "DELETE",
    path: pathOfOne,
    operationId: "deleteWorkloadConfig",
    tag: "Workload types",
    summary: "Delete a workload type that no workload is of",
    access: "configs:write",
    params: { id: configParam },
    replies: { 204: { description: "It is gone", schema: null } },
    refusals: ["type_in_use", "unavailable"],
    handle: async ({ params: { id } }, c) => {
      const change = { kind: "delete_type" as const, what: { configId: id } };
      const done = await direct(deps, c, c.var.customer.customerId, change);
      return "refusal" in done ? done : reply(204, null);
    },
  });

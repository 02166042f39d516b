/** The agent's configuration: the only reader of the environment. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { poolSchema, tagsSchema, workloadTypeSchema } from "../schema/affinity.ts";
import { workerIdSchema } from "../schema/ids.ts";
import { drainSecondsDefault, slotsMax } from "../schema/limits.ts";

const csv = (text: string): string[] =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

const broker = z
  .url({ protocol: /^wss?$/, error: "NIYANTA_NATS_URL must be a ws:// or wss:// address" })
  .refine((url) => new URL(url).username === "", "NIYANTA_NATS_URL carries no secret: the worker gets its own");
const tagPairs = z
  .string()
  .default("")
  .transform((text) => Object.fromEntries(csv(text).map((pair) => split(pair))))
  .pipe(tagsSchema);

const split = (pair: string): [string, string] => {
  const at = pair.indexOf("=");
  return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
};

export const commandsSchema = z.record(
  workloadTypeSchema,
  z.strictObject({
    command: z.array(z.string()).min(1),
    grace_seconds: z.number().min(0).optional(),
    cwd: z.string().min(1).optional(),
  }),
);
export type Commands = z.infer<typeof commandsSchema>;

const environmentSchema = z.object({
  NIYANTA_NATS_URL: broker.optional(),
  NIYANTA_API_URL: z.url({ protocol: /^https?$/ }),
  NIYANTA_AGENT_TOKEN: z.string().min(1),
  NIYANTA_WORKER_ID: workerIdSchema.optional(),
  NIYANTA_POOL: poolSchema.default("default"),
  NIYANTA_SLOTS: z.coerce.number().int().min(1).max(slotsMax).default(10),
  NIYANTA_TAGS: tagPairs,
  NIYANTA_WORKLOADS: z.string().default("").transform(csv),
  NIYANTA_BUILTINS: z.stringbool().default(true),
  NIYANTA_COMMANDS: z.string().optional(),
  NIYANTA_DRAIN_SECONDS: z.coerce.number().min(0).default(drainSecondsDefault),
  NIYANTA_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
});

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export type AgentConfig = ReturnType<typeof readConfig>;

/** Throws a `ConfigError` that says which setting is wrong and why. `env`: usually `process.env`. */
export function readConfig(env: NodeJS.ProcessEnv) {
  const parsed = environmentSchema.safeParse(withoutEmpty(env));
  if (!parsed.success) throw new ConfigError(z.prettifyError(parsed.error));
  const settings = parsed.data;
  return {
    natsUrl: settings.NIYANTA_NATS_URL ?? null,
    apiUrl: settings.NIYANTA_API_URL,
    agentToken: settings.NIYANTA_AGENT_TOKEN,
    workerId: settings.NIYANTA_WORKER_ID ?? null,
    pool: settings.NIYANTA_POOL,
    slots: settings.NIYANTA_SLOTS,
    tags: settings.NIYANTA_TAGS,
    modules: settings.NIYANTA_WORKLOADS.map((path) => pathToFileURL(resolve(path)).href),
    builtins: settings.NIYANTA_BUILTINS,
    commands: settings.NIYANTA_COMMANDS === undefined ? {} : readCommands(settings.NIYANTA_COMMANDS),
    drainMs: settings.NIYANTA_DRAIN_SECONDS * 1_000,
    logLevel: settings.NIYANTA_LOG_LEVEL,
    workloadEnv: environmentOfWorkloads(env),
  };
}

/** An empty setting is one that was not made. */
const withoutEmpty = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));

function readCommands(path: string): Commands {
  try {
    return commandsSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    const problem = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new ConfigError(`NIYANTA_COMMANDS: cannot use ${path}: ${problem}`, { cause: error });
  }
}

/** User code sees the operator's environment, without the agent's own settings and secrets. */
const environmentOfWorkloads = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("NIYANTA_")));

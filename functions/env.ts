/** Bindings and configuration of the control plane, parsed once. */
import { z } from "zod";
import { poolSchema } from "../schema/affinity.ts";
import {
  agentCredentialSecondsDefault,
  agentCredentialSecondsMax,
  agentCredentialSecondsMin,
  auditRetentionDaysDefault,
  heartbeatSecondsDefault,
  leaseHeartbeatsMin,
  leaseSecondsDefault,
  logRetentionDaysDefault,
  retentionDaysMax,
  workerRetentionDaysDefault,
  workloadRetentionDaysDefault,
} from "../schema/limits.ts";
import { logLevels } from "../schema/status.ts";
import { jwtBindings } from "./jwt-bindings.ts";
import type { CustomerObject, ObjectNamespace, PoolObject } from "./rpc/objects.ts";

/** An empty text is how a variable that is not set often looks. */
const optionalText = z
  .string()
  .optional()
  .transform((text) => (text === undefined || text === "" ? null : text));

const poolList = z
  .string()
  .default("default")
  .transform((text) => text.split(",").map((pool) => pool.trim()))
  .pipe(z.array(poolSchema).min(1));

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "not a SHA-256 in hex");
const webSocketAddress = z.string().regex(/^wss?:\/\//, "not a WebSocket address");

/** `default=<hash>,default=<hash>,gpu=<hash>`: while tokens are rotated, a pool has two. */
const poolTokenHashes = z
  .string()
  .transform((text) => text.split(",").map((pair) => pair.trim().split("=")))
  .pipe(z.array(z.tuple([poolSchema, sha256])).min(1))
  .transform((pairs) => Map.groupBy(pairs, ([pool]) => pool))
  .transform((byPool): ReadonlyMap<string, readonly string[]> => new Map(Array.from(byPool, hashesOf)));

const hashesOf = ([pool, pairs]: [string, [string, string][]]): [string, string[]] => [
  pool,
  pairs.map(([, hash]) => hash),
];

const seconds = z.coerce.number().positive();
const days = z.coerce.number().int().min(1).max(retentionDaysMax);

const isNamespace = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "getByName" in value && typeof value.getByName === "function";
const namespace = <T>() => z.custom<ObjectNamespace<T>>(isNamespace, "not a Durable Object namespace");

const bindingsSchema = z
  .object({
    DATABASE_URL: z.string().min(1),
    NEON_FETCH_ENDPOINT: optionalText,
    NATS_URL: webSocketAddress,
    /** Where agents find the broker, when it is not where we do. */
    NATS_PUBLIC_URL: optionalText.pipe(webSocketAddress.nullable()),
    /** Of the account, or of a signing key of the account that NATS_ACCOUNT names. */
    NATS_ACCOUNT_SEED: z.string().regex(/^SA[A-Z2-7]{56}$/, "not the seed of an account"),
    NATS_ACCOUNT: optionalText.pipe(
      z
        .string()
        .regex(/^A[A-Z2-7]{55}$/, "not the public key of an account")
        .nullable(),
    ),
    AGENT_CREDENTIAL_SECONDS: z.coerce
      .number()
      .int()
      .min(agentCredentialSecondsMin)
      .max(agentCredentialSecondsMax)
      .default(agentCredentialSecondsDefault),
    POOL_TOKEN_HASHES: poolTokenHashes,
    NIYANTA_POOLS: poolList,
    ADMIN_KEY_HASH: sha256,
    /** What /metrics asks for; without it nobody reads them, unless they are open on purpose. */
    METRICS_TOKEN: optionalText,
    METRICS_PUBLIC: optionalText.pipe(z.enum(["true", "false"]).nullable()).transform((text) => text === "true"),
    LEASE_SECONDS: seconds.default(leaseSecondsDefault),
    HEARTBEAT_SECONDS: seconds.default(heartbeatSecondsDefault),
    WORKLOAD_RETENTION_DAYS: days.default(workloadRetentionDaysDefault),
    AUDIT_RETENTION_DAYS: days.default(auditRetentionDaysDefault),
    LOG_RETENTION_DAYS: days.default(logRetentionDaysDefault),
    WORKER_RETENTION_DAYS: days.default(workerRetentionDaysDefault),
    LOG_LEVEL: z.enum([...logLevels, "silent"]).default("info"),
    CUSTOMER_COORDINATOR: namespace<CustomerObject>(),
    POOL_SCHEDULER: namespace<PoolObject>(),
  })
  .refine(
    (env) => env.LEASE_SECONDS >= leaseHeartbeatsMin * env.HEARTBEAT_SECONDS,
    `LEASE_SECONDS must be at least ${leaseHeartbeatsMin} times HEARTBEAT_SECONDS`,
  )
  .refine(
    (env) => Array.from(env.POOL_TOKEN_HASHES.keys()).every((pool) => env.NIYANTA_POOLS.includes(pool)),
    "POOL_TOKEN_HASHES names a pool that NIYANTA_POOLS does not",
  )
  .refine(
    (env) => !env.METRICS_PUBLIC || env.METRICS_TOKEN === null,
    "METRICS_PUBLIC opens to everybody what METRICS_TOKEN is asked for",
  )
  .and(jwtBindings);

/** As the runtime hands them over: nothing is known of them before `readEnv`. */
export type Bindings = Readonly<Record<string, unknown>>;
export type Env = z.infer<typeof bindingsSchema>;

/** Throws with the names of the bindings that are wrong, never with their values. */
export function readEnv(bindings: Bindings): Env {
  const parsed = bindingsSchema.safeParse(bindings);
  if (parsed.success) return parsed.data;
  throw new Error(`reading the bindings of the Worker\n${z.prettifyError(parsed.error)}`);
}

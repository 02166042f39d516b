/** Bindings and configuration of the control plane, parsed once. */
import { z } from "zod";
import { poolSchema } from "../schema/affinity.ts";
import { heartbeatSecondsDefault, leaseHeartbeatsMin, leaseSecondsDefault } from "../schema/limits.ts";
import { logLevels } from "../schema/status.ts";
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

const secret = z.string().min(16, "a secret of at least 16 characters");
const seconds = z.coerce.number().positive();

const isNamespace = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "getByName" in value && typeof value.getByName === "function";
const namespace = <T>() => z.custom<ObjectNamespace<T>>(isNamespace, "not a Durable Object namespace");

const bindingsSchema = z
  .object({
    DATABASE_URL: z.string().min(1),
    NEON_FETCH_ENDPOINT: optionalText,
    NATS_URL: z.string().regex(/^wss?:\/\//, "not a WebSocket address"),
    NIYANTA_POOLS: poolList,
    ADMIN_KEY_HASH: z.string().regex(/^[0-9a-f]{64}$/, "not a SHA-256 in hex"),
    AGENT_TOKEN: secret,
    METRICS_TOKEN: optionalText,
    LEASE_SECONDS: seconds.default(leaseSecondsDefault),
    HEARTBEAT_SECONDS: seconds.default(heartbeatSecondsDefault),
    LOG_LEVEL: z.enum([...logLevels, "silent"]).default("info"),
    CUSTOMER_COORDINATOR: namespace<CustomerObject>(),
    POOL_SCHEDULER: namespace<PoolObject>(),
  })
  .refine(
    (env) => env.LEASE_SECONDS >= leaseHeartbeatsMin * env.HEARTBEAT_SECONDS,
    `LEASE_SECONDS must be at least ${leaseHeartbeatsMin} times HEARTBEAT_SECONDS`,
  );

/** As the runtime hands them over: nothing is known of them before `readEnv`. */
export type Bindings = Readonly<Record<string, unknown>>;
export type Env = z.infer<typeof bindingsSchema>;

/** Throws with the names of the bindings that are wrong, never with their values. */
export function readEnv(bindings: Bindings): Env {
  const parsed = bindingsSchema.safeParse(bindings);
  if (parsed.success) return parsed.data;
  throw new Error(`reading the bindings of the Worker\n${z.prettifyError(parsed.error)}`);
}

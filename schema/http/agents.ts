/** What worker agents say over HTTP, before they are on the broker or when nobody listens there. */
import { z } from "zod";
import { poolSchema } from "../affinity.ts";
import { workerIdSchema } from "../ids.ts";

export const wakeBodySchema = z.strictObject({ pool: poolSchema });

export const enrolBodySchema = z.strictObject({
  pool: poolSchema,
  worker_id: workerIdSchema,
  /** The agent made the key; its private half never leaves the agent. */
  public_key: z.string().regex(/^U[A-Z2-7]{55}$/, "not the public key of a NATS user"),
});
export type EnrolBody = z.infer<typeof enrolBodySchema>;

export const enrolledSchema = z.object({
  nats_url: z.string(),
  /** A NATS user JWT. */
  credentials: z.string(),
  expires_at: z.iso.datetime(),
  /** The same as a time span, for an agent whose clock is wrong. */
  expires_in_seconds: z.int().positive(),
  /** Where the worker's replies go: the only inbox that it may listen to. */
  inbox_prefix: z.string(),
});
export type Enrolled = z.infer<typeof enrolledSchema>;

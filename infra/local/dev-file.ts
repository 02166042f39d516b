/** The shape of `dev.json`: what tests and tools may rely on about a running stack. */
import { z } from "zod";

const pidSchema = z.int().positive();

export const devFileSchema = z.object({
  api_url: z.string(),
  console_url: z.string(),
  admin_key: z.string(),
  customer_id: z.string(),
  customer_key: z.string(),
  metrics_token: z.string(),
  nats_url: z.string(),
  database_url: z.string(),
  gateway_url: z.string(),
  processes: z.object({
    supervisor: pidSchema,
    coordinator: pidSchema,
    gateway: pidSchema,
    nats: pidSchema,
    /** Absent when `DATABASE_URL` names a database that is not ours. */
    postgres: pidSchema.optional(),
    agents: z.array(z.object({ pid: pidSchema, worker_id: z.string() })),
  }),
});

export type DevFile = z.infer<typeof devFileSchema>;

/** A customer as itself and the operator read it, and as the operator writes it. */
import { z } from "zod";
import { customerIdSchema } from "../ids.ts";
import { nameLengthMax, overrideCountMax, overrideRateMax, overrideWeightMax } from "../limits.ts";
import { tiers } from "../status.ts";
import { pageFields, paginationSchema } from "./page.ts";
import { timeSchema } from "./submit.ts";

export const limitsViewSchema = z.object({
  running_max: z.int(),
  queue_depth_max: z.int(),
  /** Null: no limit of the rate. */
  submits_per_second: z.int().nullable(),
  submit_burst: z.int(),
  weight: z.int(),
});
export type LimitsView = z.infer<typeof limitsViewSchema>;

const count = z.int().min(1).max(overrideCountMax).optional();

/** Limits that differ from the tier's. */
export const overridesSchema = z.strictObject({
  running_max: count,
  queue_depth_max: count,
  submits_per_second: z.int().min(1).max(overrideRateMax).nullable().optional(),
  submit_burst: count,
  weight: z.int().min(1).max(overrideWeightMax).optional(),
});
export type OverridesView = z.infer<typeof overridesSchema>;

export const customerViewSchema = z.object({
  customer_id: customerIdSchema,
  name: z.string(),
  tier: z.enum(tiers),
  suspended: z.boolean(),
  limits: limitsViewSchema,
  overrides: overridesSchema,
  created_at: timeSchema,
  updated_at: timeSchema,
});
export type CustomerView = z.infer<typeof customerViewSchema>;

export const usageSchema = z.object({
  /** Workloads that hold a slot. */
  running: z.int().min(0),
  /** Workloads that wait for one, now or later. */
  queued: z.int().min(0),
  /** Submissions that would pass at this moment; null: no limit of the rate. */
  submit_tokens: z.int().min(0).nullable(),
});
export type UsageView = z.infer<typeof usageSchema>;

export const customerWithUsageSchema = customerViewSchema.extend({ usage: usageSchema });

const name = z.string().min(1).max(nameLengthMax);
const tier = z.enum(tiers);

export const createCustomerBodySchema = z.strictObject({
  name,
  tier: tier.default("free"),
  overrides: overridesSchema.default({}),
});
export type CreateCustomerBody = z.infer<typeof createCustomerBodySchema>;

export const updateCustomerBodySchema = z
  .strictObject({
    name: name.optional(),
    tier: tier.optional(),
    /** All of them: what is not named is the tier's again. */
    overrides: overridesSchema.optional(),
    suspended: z.boolean().optional(),
  })
  .refine((body) => Object.values(body).some((part) => part !== undefined), "nothing to change");
export type UpdateCustomerBody = z.infer<typeof updateCustomerBodySchema>;

export const customerQuerySchema = z.strictObject({
  tier: tier.optional(),
  suspended: z.enum(["true", "false"]).optional(),
  ...pageFields,
});
export type CustomerQuery = z.infer<typeof customerQuerySchema>;

export const customerListSchema = z.object({ customers: z.array(customerViewSchema), pagination: paginationSchema });

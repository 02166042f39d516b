/** API keys as they are made and read; the secret is in one reply only. */
import { z } from "zod";
import { keyIdSchema } from "../ids.ts";
import { keyRotationOverlapSecondsDefault, keyRotationOverlapSecondsMax, nameLengthMax } from "../limits.ts";
import { customerScopes } from "../scopes.ts";
import { pageQuerySchema, paginationSchema } from "./page.ts";
import { timeSchema } from "./submit.ts";

const scopes = z
  .array(z.enum(customerScopes))
  .min(1)
  .max(customerScopes.length)
  .refine((given) => new Set(given).size === given.length, "a scope is named once");

export const createKeyBodySchema = z.strictObject({
  name: z.string().min(1).max(nameLengthMax),
  scopes,
  expires_at: timeSchema.optional(),
});
export type CreateKeyBody = z.infer<typeof createKeyBodySchema>;

export const rotateKeyBodySchema = z.strictObject({
  /** How long the old key goes on. */
  overlap_seconds: z.int().min(0).max(keyRotationOverlapSecondsMax).default(keyRotationOverlapSecondsDefault),
});

export const keyViewSchema = z.object({
  key_id: keyIdSchema,
  name: z.string(),
  scopes: z.array(z.string()),
  created_at: timeSchema,
  expires_at: timeSchema.nullable(),
  revoked_at: timeSchema.nullable(),
  last_used_at: timeSchema.nullable(),
});
export type KeyView = z.infer<typeof keyViewSchema>;

/** `api_key` null: this is the answer to a request that was sent again, and the secret was shown once. */
export const createdKeySchema = keyViewSchema.extend({ api_key: z.string().nullable() });

export const keyQuerySchema = pageQuerySchema;
export const keyListSchema = z.object({ api_keys: z.array(keyViewSchema), pagination: paginationSchema });

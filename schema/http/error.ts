/** The one error body of the API. */
import { z } from "zod";
import { jsonSchema } from "../json.ts";
import { errorCodes } from "../status.ts";

export const errorBodySchema = z.object({
  error: z.object({
    code: z.enum(errorCodes),
    message: z.string(),
    details: jsonSchema.nullable(),
    request_id: z.string(),
  }),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

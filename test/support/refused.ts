/** Reading replies of the API in tests: refusals must have exactly the promised body. */
import { expect } from "vitest";
import type { z } from "zod";
import { type ErrorBody, errorBodySchema } from "../../schema/http/error.ts";
import type { ErrorCode } from "../../schema/status.ts";

export async function bodyOf<T>(reply: Response, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(await reply.json());
}

export async function expectRefused(reply: Response, status: number, code: ErrorCode): Promise<ErrorBody["error"]> {
  const { error } = errorBodySchema.strict().parse(await reply.json());
  expect({ status: reply.status, code: error.code }).toEqual({ status, code });
  expect(error.request_id).toBe(reply.headers.get("x-request-id"));
  return error;
}

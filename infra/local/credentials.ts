/** The secrets and names of one data folder: made once, kept beside the data that belongs to them. */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { newKey } from "../../schema/api-key.ts";
import { customerIdSchema, type IdSource } from "../../schema/ids.ts";
import { readJsonFile, writeJsonFile } from "./json-file.ts";

const credentialsSchema = z.object({
  adminKey: z.string(),
  agentToken: z.string(),
  postgresPassword: z.string(),
  customerId: customerIdSchema,
  customerKey: z.string(),
});
export type Credentials = z.infer<typeof credentialsSchema>;

const secretBytes = 32;
const secret = () => randomBytes(secretBytes).toString("hex");

export const readCredentials = (path: string): Credentials | null => readJsonFile(path, credentialsSchema);

export async function makeCredentials(path: string, ids: IdSource): Promise<Credentials> {
  const customerId = ids.customer();
  const credentials: Credentials = {
    adminKey: await newKey("admin"),
    agentToken: secret(),
    postgresPassword: secret(),
    customerId,
    customerKey: await newKey(customerId),
  };
  writeJsonFile(path, credentials);
  return credentials;
}

/** The secrets and names of one data folder: made once, kept beside the data that belongs to them. */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Pool } from "../../schema/affinity.ts";
import { newKey } from "../../schema/api-key.ts";
import { customerIdSchema, type IdSource } from "../../schema/ids.ts";
import { formatPoolToken } from "../../schema/pool-token.ts";
import { readJsonFile, writeJsonFile } from "./json-file.ts";
import { makeNatsAuthority, type NatsAuthority, natsAuthoritySchema } from "./nats-authority.ts";

const storedSchema = z.object({
  adminKey: z.string(),
  /** What the tokens of all pools are made of; an older folder may lack it, as nothing stored depends on it. */
  agentSecret: z.string().default(() => secret()),
  postgresPassword: z.string(),
  /** Of the role that the control plane logs in as; set anew at each start, so an older folder may lack it. */
  apiDatabasePassword: z.string().default(() => secret()),
  /** What /metrics asks for; nothing stored depends on it, so an older folder may lack it. */
  metricsToken: z.string().default(() => secret()),
  customerId: customerIdSchema,
  customerKey: z.string(),
  /** The broker remembers nothing: a new one is as good, and an older folder has none. */
  natsAuthority: natsAuthoritySchema.optional(),
});
export type Credentials = z.infer<typeof storedSchema> & { natsAuthority: NatsAuthority };

const secretBytes = 32;
const secret = () => randomBytes(secretBytes).toString("hex");

export async function readCredentials(path: string): Promise<Credentials | null> {
  const stored = readJsonFile(path, storedSchema);
  return stored === null ? null : { ...stored, natsAuthority: stored.natsAuthority ?? (await makeNatsAuthority()) };
}

/** What an agent enrols in that pool with. */
export const poolTokenOf = ({ agentSecret }: Pick<Credentials, "agentSecret">, pool: Pool): Promise<string> =>
  formatPoolToken(pool, Buffer.from(agentSecret, "hex"));

export async function makeCredentials(path: string, ids: IdSource): Promise<Credentials> {
  const customerId = ids.customer();
  const credentials: Credentials = {
    adminKey: await newKey("admin"),
    agentSecret: secret(),
    postgresPassword: secret(),
    apiDatabasePassword: secret(),
    metricsToken: secret(),
    customerId,
    customerKey: await newKey(customerId),
    natsAuthority: await makeNatsAuthority(),
  };
  writeJsonFile(path, credentials);
  return credentials;
}

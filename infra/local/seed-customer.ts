/** Puts a customer into the database as the admin API would: with its key and its workload types. */
import pg from "pg";
import { sha256Hex } from "../../schema/api-key.ts";
import type { CustomerId, IdSource } from "../../schema/ids.ts";
import type { Tier } from "../../schema/status.ts";
import type { TierLimits } from "../../schema/tiers.ts";

export interface NewCustomer {
  customerId: CustomerId;
  key: string;
  name: string;
  tier: Tier;
  overrides: Partial<TierLimits>;
  scopes: readonly string[];
  workloadTypes: readonly string[];
}

export const builtInTypes = ["noop", "sleep", "text.wordcount", "shell"];

/** Limits that keep out of a benchmark's way. */
export const benchmarkOverrides: Partial<TierLimits> = {
  runningMax: 10_000,
  queueDepthMax: 100_000,
  submitsPerSecond: null,
};

/** Customers belong to the operator, what they own to themselves: as row-level security has it. */
const asOperator = "set local role niyanta_operator";
const asCustomer = "select set_config('role', 'none', true), set_config('niyanta.customer_id', $1, true)";
const insertCustomer = `insert into customers (customer_id, name, tier, overrides) values ($1, $2, $3, $4)
  on conflict do nothing`;
const insertKey = `insert into api_keys (key_id, customer_id, key_hash, name, scopes) values ($1, $2, $3, 'local', $4)
  on conflict do nothing`;
const insertTypes = `insert into workload_configs (config_id, customer_id, workload_type)
  select * from unnest($1::text[], $2::text[], $3::text[]) on conflict do nothing`;

/** Again with the same ids: changes nothing. */
export async function seedCustomer(databaseUrl: string, customer: NewCustomer, ids: IdSource): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("begin");
    await insertAll(client, customer, ids);
    await client.query("commit");
  } catch (error) {
    throw new Error(`making the customer ${customer.customerId}`, { cause: error });
  } finally {
    await client.end();
  }
}

async function insertAll(client: pg.Client, customer: NewCustomer, ids: IdSource): Promise<void> {
  const { customerId, name, tier, overrides, workloadTypes } = customer;
  await client.query(asOperator);
  await client.query(insertCustomer, [customerId, name, tier, JSON.stringify(overrides)]);
  await client.query(asCustomer, [customerId]);
  await client.query(insertKey, [ids.key(), customerId, await sha256Hex(customer.key), customer.scopes]);
  const configIds = workloadTypes.map(() => ids.config());
  await client.query(insertTypes, [configIds, workloadTypes.map(() => customerId), workloadTypes]);
}

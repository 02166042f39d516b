/** What a database holds, in a few words: equal before and after exactly when nothing was stored. */
import pg from "pg";

export interface Fingerprints {
  /** Of every table; with a customer, of the rows that are its own. */
  take(customerId?: string): Promise<Readonly<Record<string, string>>>;
  /** Of everything that a customer has, and its own. */
  idsOf(customerId: string): Promise<string[]>;
  close(): Promise<void>;
}

const tablesOf = `select table_name, bool_or(column_name = 'customer_id') as is_owned
  from information_schema.columns where table_schema = 'public' group by table_name order by table_name`;

/** When a key was used last is written by reads too. */
const rowsOf = (table: string) => `select count(*) as rows, md5(coalesce(string_agg(row, '' order by row), '')) as hash
  from (select md5((to_jsonb(t) - 'last_used_at')::text) as row from "${table}" t where $1::text is null or to_jsonb(t) ->> 'customer_id' = $1) s`;

const ids = `select workload_id as id from workloads where customer_id = $1
  union all select config_id from workload_configs where customer_id = $1
  union all select key_id from api_keys where customer_id = $1
  union all select customer_id from customers where customer_id = $1`;

export async function openFingerprints(databaseUrl: string): Promise<Fingerprints> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const tables = (await client.query<{ table_name: string; is_owned: boolean }>(tablesOf)).rows;
  return {
    async take(customerId) {
      const taken: Record<string, string> = {};
      for (const { table_name: table, is_owned: isOwned } of tables) {
        if (customerId !== undefined && !isOwned) continue;
        const { rows } = await client.query(rowsOf(table), [customerId ?? null]);
        taken[table] = `${rows[0].rows} rows, ${rows[0].hash}`;
      }
      return taken;
    },
    idsOf: async (customerId) => (await client.query<{ id: string }>(ids, [customerId])).rows.map(({ id }) => id),
    close: () => client.end(),
  };
}

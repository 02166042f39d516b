/** Runs the store's contract on the memory store and on Postgres. */
import pg from "pg";
import { inject } from "vitest";
import { createMemoryStore } from "../../functions/store/memory/memory-store.ts";
import { createPostgresStore } from "../../functions/store/postgres/postgres-store.ts";
import { limitsOf } from "../../schema/tiers.ts";
import { ids } from "../support/records.ts";
import { type StoreUnderTest, storeContract, type TestKey } from "./store.suite.ts";

storeContract("memory", async () => {
  const store = createMemoryStore();
  return {
    store,
    async newCustomer(overrides = {}) {
      const customerId = ids.customer();
      const limits = limitsOf("standard", overrides);
      store.putCustomer({ customerId, tier: "standard", limits, suspended: false, types: new Map() });
      return customerId;
    },
    async addKey(key) {
      store.addKey(key);
      return async () => store.lastUsed(key.customerId, key.keyId);
    },
    stop: async () => undefined,
  };
});

storeContract("postgres", async (): Promise<StoreUnderTest> => {
  const pool = new pg.Pool({ connectionString: inject("ownerUrl"), max: 2 });
  return {
    store: createPostgresStore({
      databaseUrl: inject("databaseUrl"),
      fetchEndpoint: inject("fetchEndpoint"),
      clock: Date.now,
    }),
    async newCustomer(overrides = {}) {
      const customerId = ids.customer();
      const values = [customerId, overrides];
      await pool.query(
        "insert into customers (customer_id, name, tier, overrides) values ($1, '', 'standard', $2)",
        values,
      );
      return customerId;
    },
    addKey: (key) => insertKey(pool, key),
    stop: () => pool.end(),
  };
});

async function insertKey(pool: pg.Pool, key: TestKey): Promise<() => Promise<number | null>> {
  const date = (at: number | null) => (at === null ? null : new Date(at));
  await pool.query(
    "insert into api_keys (key_id, customer_id, key_hash, scopes, expires_at, revoked_at) values ($1, $2, $3, $4, $5, $6)",
    [key.keyId, key.customerId, key.keyHash, key.scopes, date(key.expiresAt), date(key.revokedAt)],
  );
  return async () => {
    const place = [key.customerId, key.keyId];
    const query = "select last_used_at from api_keys where customer_id = $1 and key_id = $2";
    const [row] = (await pool.query<{ last_used_at: Date | null }>(query, place)).rows;
    return row?.last_used_at?.getTime() ?? null;
  };
}

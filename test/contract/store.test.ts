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
    addKey: async (key) => store.addKey(key),
    stop: async () => undefined,
  };
});

storeContract("postgres", async (): Promise<StoreUnderTest> => {
  const databaseUrl = inject("databaseUrl");
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  return {
    store: createPostgresStore({ databaseUrl, fetchEndpoint: inject("fetchEndpoint") }),
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

async function insertKey(pool: pg.Pool, key: TestKey): Promise<void> {
  const date = (at: number | null) => (at === null ? null : new Date(at));
  await pool.query(
    "insert into api_keys (key_id, customer_id, key_hash, scopes, expires_at, revoked_at) values ($1, $2, $3, $4, $5, $6)",
    [key.keyId, key.customerId, key.keyHash, key.scopes, date(key.expiresAt), date(key.revokedAt)],
  );
}

/** What the control plane's role can reach of each table: the rows of the customer that its transaction names. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Insert, newTenant, rowsOf, type Tenant, whereOf } from "../support/tenant-rows.ts";

const own = newTenant();
const other = newTenant();
const tables = Object.keys(rowsOf(own));
const owner = new pg.Client({ connectionString: inject("ownerUrl") });
const api = new pg.Client({ connectionString: inject("databaseUrl") });
const denied = "42501";

beforeAll(async () => {
  await Promise.all([owner.connect(), api.connect()]);
  for (const tenant of [own, other]) for (const row of Object.values(rowsOf(tenant))) await run(owner, row);
});
afterAll(() => Promise.all([owner.end(), api.end()]));

const run = (client: pg.Client, { text, values }: Insert) => client.query(text, [...values]);

/** What a statement did for this customer (null: for none, in a session where none was named yet); nothing of it stays. */
async function tried(statement: Insert, customerId: string | null): Promise<pg.QueryResult | pg.DatabaseError> {
  await api.query("begin");
  try {
    if (customerId !== null) await api.query("select set_config('niyanta.customer_id', $1, true)", [customerId]);
    return await run(api, statement);
  } catch (error) {
    if (error instanceof pg.DatabaseError) return error;
    throw error;
  } finally {
    await api.query("rollback");
  }
}

/** How many rows it saw or changed, or the code that it was refused with. */
async function reached(statement: Insert, customerId: string | null): Promise<number | string | null | undefined> {
  const outcome = await tried(statement, customerId);
  return outcome instanceof pg.DatabaseError ? outcome.code : outcome.rowCount;
}

/** All that the caller learns, less what the statement itself brought: where this differs, something is told. */
async function learned(statement: Insert, customerId: string): Promise<string> {
  const outcome = await tried(statement, customerId);
  if (!(outcome instanceof pg.DatabaseError)) return `${outcome.rowCount} rows`;
  const { code, message, detail, constraint } = outcome;
  return statement.values
    .filter((value) => typeof value === "string")
    .reduce((text, value) => text.replaceAll(value, "…"), `${code} ${message} ${detail} ${constraint}`);
}

const select = (table: string, tenant: Tenant): Insert => {
  const { text, values } = whereOf(table, tenant);
  return { text: `select from ${table} where ${text}`, values };
};
const remove = (table: string, tenant: Tenant): Insert => {
  const { text, values } = whereOf(table, tenant);
  return { text: `delete from ${table} where ${text}`, values };
};
const change = (table: string, tenant: Tenant): Insert => {
  const { text, values } = whereOf(table, tenant);
  const column = table === "coordinator_epochs" ? "scope" : "customer_id";
  return { text: `update ${table} set ${column} = ${column} where ${text}`, values };
};
const rowOf = (table: string, tenant: Tenant): Insert => {
  const row = rowsOf(tenant)[table];
  if (row === undefined) throw new Error(`there is no row for ${table}`);
  return row;
};

/** A row that belongs to '', as a setting of an earlier transaction reads. */
function nameless(table: string): Insert {
  const tenant = newTenant();
  const { text, values } = rowOf(table, tenant);
  const without = (value: unknown) => (typeof value === "string" ? value.replace(tenant.customerId, "") : value);
  return { text, values: values.map(without) };
}

describe("the catalogue", () => {
  test("forces row-level security on every table, and has a policy for each", async () => {
    const { rows } = await owner.query(`
      select c.relname as "table" from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and not (c.relrowsecurity and c.relforcerowsecurity
          and exists (select from pg_policy p where p.polrelid = c.oid and p.polwithcheck is not null))`);
    expect(rows).toEqual([]);
  });

  test("has no view, which would look past the policies", async () => {
    const { rows } = await owner.query(
      "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm', 'f')",
    );
    expect(rows).toEqual([]);
  });

  test("has no table with a customer's rows that is not tried here", async () => {
    const { rows } = await owner.query(`
      select c.relname as "table" from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attname in ('customer_id', 'scope')`);
    expect(rows.map(({ table }) => table).toSorted()).toEqual(tables.toSorted());
  });
});

describe.each([null, ""])("without a customer (the setting is %j)", (nobody) => {
  test.each(tables)("nothing of %s is seen, changed or made", async (table) => {
    expect(await reached({ text: `select from ${table}`, values: [] }, nobody)).toBe(0);
    expect(await reached(change(table, own), nobody)).toBeOneOf([0, denied]);
    expect(await reached(remove(table, own), nobody)).toBeOneOf([0, denied]);
    expect(await reached(rowOf(table, newTenant()), nobody)).toBe(denied);
    expect(await reached(nameless(table), nobody)).toBe(denied);
  });
});

describe("a customer", () => {
  test.each(tables)("sees its own row of %s and no other", async (table) => {
    expect(await reached(select(table, own), own.customerId)).toBe(1);
    expect(await reached({ text: `select from ${table}`, values: [] }, own.customerId)).toBe(1);
  });

  test.each(tables)("changes nothing of another's row of %s", async (table) => {
    expect(await reached(select(table, other), own.customerId)).toBe(0);
    expect(await reached(change(table, other), own.customerId)).toBeOneOf([0, denied]);
    expect(await reached(remove(table, other), own.customerId)).toBeOneOf([0, denied]);
  });

  test.each(tables)("is refused a row of %s in another's name, whether it is there or not", async (table) => {
    const [there, unknown] = [rowOf(table, other), rowOf(table, newTenant())];
    const quiet = (row: Insert) => ({ ...row, text: `${row.text} on conflict do nothing` });
    expect(await reached(there, own.customerId)).toBe(denied);
    expect(await learned(there, own.customerId)).toBe(await learned(unknown, own.customerId));
    expect(await learned(quiet(there), own.customerId)).toBe(await learned(quiet(unknown), own.customerId));
  });

  test.each([
    ["api_keys", "1 rows"],
    ["workload_configs", "1 rows"],
    ["workloads", "1 rows"],
    ["idempotency_keys", "1 rows"],
    ["checkpoints", "23503 "],
    ["checkpoint_chunks", "23503 "],
  ])("makes a row of %s with another's ids as with ids that nobody has (%s)", async (table, outcome) => {
    // A customer has a type once: another type than its own, which would be in the way.
    const mine = (tenant: Tenant): Insert => {
      const { text, values } = rowOf(table, { ...tenant, customerId: own.customerId });
      return { text, values: table === "workload_configs" ? values.with(-1, "another") : values };
    };
    const answer = await learned(mine(other), own.customerId);
    expect(answer).toBe(await learned(mine(newTenant()), own.customerId));
    expect(answer.startsWith(outcome)).toBe(true);
  });

  test("does not hand a row to another customer", async () => {
    const text = "update workloads set customer_id = $2 where customer_id = $1";
    expect(await reached({ text, values: [own.customerId, other.customerId] }, own.customerId)).toBe(denied);
  });

  test("sees no worker, and no audit event that belongs to no customer", async () => {
    await owner.query(`insert into audit_events (worker_id, event_type, actor_type, actor_id, created_at)
      values ('w', 'worker.registered', 'coordinator', 'pool:x', now())`);
    const seen = (text: string) => reached({ text, values: [] }, own.customerId);
    expect(await seen("select from workers")).toBe(denied);
    expect(await seen("select from audit_events where customer_id is null")).toBe(0);
  });
});

/** Which customers have work in this pool, in the object's own storage: the cron tick asks here before any SQL is sent. */
import type { CustomerId } from "../../schema/ids.ts";

type SqlValue = string | number | null | ArrayBuffer;

/** Storage as it is used here; the SQLite of a Durable Object has it. */
export interface Sql {
  exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): { toArray(): Row[] };
}

export interface ActiveCustomer {
  readonly customerId: CustomerId;
  /** Nothing to do before; null: now. */
  readonly wakeAt: number | null;
}

export class ActiveCustomers {
  readonly #sql: Sql;
  readonly #known = new Map<CustomerId, number | null>();
  #isNew: boolean;

  constructor(sql: Sql) {
    this.#sql = sql;
    const tables = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name = 'recovered'").toArray();
    this.#isNew = tables.length === 0;
    sql.exec("CREATE TABLE IF NOT EXISTS active_customers (customer_id TEXT PRIMARY KEY, wake_at INTEGER)");
    const rows = sql.exec<{ customer_id: CustomerId; wake_at: number | null }>("SELECT * FROM active_customers");
    for (const row of rows.toArray()) this.#known.set(row.customer_id, row.wake_at);
  }

  /** This storage does not know yet what an earlier one knew: Postgres has to be asked. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** Postgres was asked, and what it said was added. */
  recovered(): void {
    this.#sql.exec("CREATE TABLE IF NOT EXISTS recovered (at INTEGER)");
    this.#isNew = false;
  }

  has(customerId: CustomerId): boolean {
    return this.#known.has(customerId);
  }

  all(): ActiveCustomer[] {
    return Array.from(this.#known, ([customerId, wakeAt]) => ({ customerId, wakeAt }));
  }

  /** Written at the first sign of work, so before the work itself is: the reply waits for the storage. */
  add(customerId: CustomerId, wakeAt: number | null): void {
    if (this.#known.get(customerId) === wakeAt) return;
    this.#known.set(customerId, wakeAt);
    this.#sql.exec("INSERT OR REPLACE INTO active_customers VALUES (?, ?)", customerId, wakeAt);
  }

  remove(customerId: CustomerId): void {
    if (this.#known.delete(customerId))
      this.#sql.exec("DELETE FROM active_customers WHERE customer_id = ?", customerId);
  }
}

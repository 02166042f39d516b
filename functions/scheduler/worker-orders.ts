/** What the operator has ordered of workers, in the object's own storage: to drain, or to be gone for good. */
import type { WorkerId } from "../../schema/ids.ts";
import type { Sql } from "./active-customers.ts";

export type Order = "drain" | "remove";

/** An order outlives the memory that took it: the worker may hear of it much later. */
export class WorkerOrders {
  readonly #sql: Sql;
  readonly #orders = new Map<WorkerId, Order>();

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS worker_orders (worker_id TEXT PRIMARY KEY, what TEXT NOT NULL)");
    const rows = sql.exec<{ worker_id: WorkerId; what: Order }>("SELECT * FROM worker_orders").toArray();
    for (const { worker_id: workerId, what } of rows) this.#orders.set(workerId, what);
  }

  isToDrain(workerId: WorkerId): boolean {
    return this.#orders.get(workerId) === "drain";
  }

  isRemoved(workerId: WorkerId): boolean {
    return this.#orders.get(workerId) === "remove";
  }

  /** A removal is for good: no later order takes it back. */
  give(workerId: WorkerId, order: Order): void {
    if (this.isRemoved(workerId) || this.#orders.get(workerId) === order) return;
    this.#orders.set(workerId, order);
    this.#sql.exec("INSERT OR REPLACE INTO worker_orders VALUES (?, ?)", workerId, order);
  }

  /** The worker has gone: nothing is left to be asked of it. */
  drained(workerId: WorkerId): void {
    if (!this.isToDrain(workerId)) return;
    this.#orders.delete(workerId);
    this.#sql.exec("DELETE FROM worker_orders WHERE worker_id = ?", workerId);
  }
}

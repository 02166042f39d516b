/** What /metrics would lose with the object's memory: the sums of its counters and its last fleet, in its own storage. */
import { z } from "zod";
import type { CounterSum, Metrics } from "../telemetry/metrics.ts";
import type { Sql } from "./active-customers.ts";
import { type Fleet, fleetOf } from "./gauges.ts";
import type { Pool } from "./pool.ts";

/** The sums of so long may be lost in a crash; a pool at rest looks once more after that, and so loses nothing. */
export const keepEveryMs = 30_000;
/** One row of SQLite holds 2 MB: series beyond these begin at zero again, as all counters do elsewhere. */
export const seriesKeptMax = 5_000;

const count = z.int().min(0);
const contentSchema = z.object({
  sums: z.array(z.object({ name: z.string(), labels: z.record(z.string(), z.string()), value: z.number().min(0) })),
  fleet: z.object({ workers: z.object({ HEALTHY: count, DRAINING: count, DEAD: count }), slots: count }),
});
type Content = z.infer<typeof contentSchema>;

export class KeptMetrics {
  readonly #sql: Sql;
  readonly #found: Content | null;
  #keptAt: number;
  #fleet: Fleet | null;
  #written = "";

  /** `now`: when this memory of the object began, in milliseconds. */
  constructor(sql: Sql, now: number) {
    this.#sql = sql;
    this.#keptAt = now;
    sql.exec("CREATE TABLE IF NOT EXISTS kept_metrics (id INTEGER PRIMARY KEY, content TEXT NOT NULL)");
    this.#found = read(sql);
    this.#fleet = this.#found?.fleet ?? null;
  }

  /** To be called once, before anything is recorded. */
  restore(metrics: Metrics): void {
    metrics.restore(this.#found?.sums ?? []);
  }

  /** As an earlier memory left it; null once this one has looked for itself. */
  get fleetBefore(): Fleet | null {
    return this.#fleet;
  }

  /** For every look at the pool: writes one row when it is time, and something is new. */
  async keep(pool: Pool): Promise<void> {
    const now = pool.deps.now();
    if (now - this.#keptAt < keepEveryMs) return;
    this.#keptAt = now;
    this.#fleet = null;
    const sums = (await pool.metrics.sums()).toSorted(byLabels).slice(0, seriesKeptMax);
    this.#write(JSON.stringify({ sums, fleet: fleetOf(pool) } satisfies Content));
  }

  #write(content: string): void {
    if (content === this.#written) return;
    this.#sql.exec("INSERT OR REPLACE INTO kept_metrics VALUES (1, ?)", content);
    this.#written = content;
  }
}

const sizeOf = ({ labels }: CounterSum): number => Object.keys(labels).length;
/** What is summed up over most comes first: it is the last to be left out. */
const byLabels = (a: CounterSum, b: CounterSum): number => sizeOf(a) - sizeOf(b);

/** Null: nothing was kept, or another version kept it in another shape. */
function read(sql: Sql): Content | null {
  const [row] = sql.exec<{ content: string }>("SELECT content FROM kept_metrics").toArray();
  const content = row === undefined ? null : contentSchema.safeParse(JSON.parse(row.content));
  return content?.success ? content.data : null;
}

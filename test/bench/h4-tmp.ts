import pg from "pg";
import { createPostgresStore } from "../../functions/store/postgres/postgres-store.ts";
import { startTestPostgres } from "../support/postgres.ts";
import * as r from "../support/records.ts";

const server = await startTestPostgres();
const db = new pg.Client({ connectionString: server.databaseUrl });
await db.connect();
let last: { query: string; params: unknown[] } | null = null;
let bytes = 0;
const real = globalThis.fetch;
globalThis.fetch = ((u: string, i: RequestInit) => {
  const b = JSON.parse(i.body as string);
  last = b.queries ? b.queries[0] : b;
  bytes = (i.body as string).length;
  return real(u, i);
}) as typeof fetch;
try {
  const store = createPostgresStore(server);
  const c = r.ids.customer();
  await db.query("insert into customers (customer_id,name,tier) values ($1,'x','enterprise')", [c]);
  const lead = (await store.lead(c, 10, r.t0))!.lead;
  const audit = [
    r.auditEntry("workload.created"),
    r.auditEntry("workload.scheduled", { details: { worker_id: r.ids.worker() } }),
  ];
  const mk = () => [
    r.groupOf(
      Array.from({ length: 1000 }, () =>
        r.newSubmission({}, { input: { path: "/data/file.txt", bytes_per_second: 1000 }, audit }),
      ),
    ),
  ];
  const explain = async (label: string, n: number) => {
    await db.query("begin");
    const t = performance.now();
    const e = await db.query("explain (analyze, timing on, costs on) " + last!.query, last!.params as never);
    const ms = performance.now() - t;
    await db.query("rollback");
    console.log(label, "bytes", bytes, "ms", ms.toFixed(1));
    if (n) console.log(e.rows.map((x) => x["QUERY PLAN"]).join("\n"));
  };
  for (let k = 0; k < 6; k++) {
    const g = mk();
    const t = performance.now();
    await store.insert(lead, g, r.t0);
    console.log("insert", (performance.now() - t).toFixed(1));
    // new ids for explain: replace ids
    const js = (last!.params as string[]).map((p) =>
      typeof p === "string" ? p.replaceAll('"wl_0', '"wl_' + ((k % 7) + 1)) : p,
    );
    last = { query: last!.query, params: js };
    await explain("insert", k === 5 ? 1 : 0);
    const placed = g[0]!.submissions.map(({ workload }) => r.scheduledOn(workload));
    const t2 = performance.now();
    await store.apply(lead, placed, [], r.t0);
    console.log("apply", (performance.now() - t2).toFixed(1), bytes);
    const done = placed.map(({ next }) => r.completed(next, { result: { words: 12345 }, audit }));
    // explain before applying
    const hold = globalThis.fetch;
    const t3 = performance.now();
    await store.apply(lead, done, [], r.t0);
    console.log("complete", (performance.now() - t3).toFixed(1), bytes);
    const pj = last!.params as string[];
    await db.query(
      "update workloads set status='SCHEDULED', worker_id='x', completed_at=null where status='COMPLETED' and customer_id=$1 and workload_id = any(select workload_id from workloads order by workload_id desc limit 1000)",
      [c],
    );
    await explain("complete", k === 5 ? 1 : 0);
    await db.query(
      "update workloads set status='COMPLETED', worker_id=null, completed_at=now() where status='SCHEDULED'",
    );
  }
} finally {
  await db.end();
  await server.stop();
}

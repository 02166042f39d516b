/** The store on Postgres, reached over Neon's HTTP protocol: each verb is one request. */
import { sql } from "drizzle-orm";
import type { StateStore } from "../store.ts";
import { findKey } from "./api-keys.ts";
import { readAudit } from "./audit-trail.ts";
import { getChunk, putChunk } from "./chunks.ts";
import { takeLead } from "./customer-state.ts";
import { type DatabaseOptions, openDatabase } from "./database.ts";
import { attempt } from "./failure.ts";
import { submittedUnder } from "./idempotency-keys.ts";
import { readLogs } from "./logs.ts";
import { customersWithWork, putWorkers, takePoolEpoch } from "./pools.ts";
import { readLines, readWindow } from "./queue.ts";
import { insertSubmissions } from "./submissions.ts";
import { applyChanges } from "./transitions.ts";
import { listWorkloads } from "./workload-list.ts";
import { findWorkloads } from "./workload-rows.ts";
import { readWorkload } from "./workload-views.ts";

export function createPostgresStore(options: DatabaseOptions): StateStore {
  const db = openDatabase(options);
  return {
    lead: (customerId, windowMax, now) => takeLead(db, customerId, windowMax, now),
    window: (customerId, windowMax, now, page) => readWindow(db, customerId, windowMax, now, page),
    lines: (customerId, names, room, now) => readLines(db, customerId, names, room, now),
    find: (customerId, ids) => findWorkloads(db, customerId, ids),
    insert: (lead, groups, now) => insertSubmissions(db, lead, groups, now),
    submittedUnder: (customerId, idempotency, now) => submittedUnder(db, customerId, idempotency, now),
    apply: (lead, changes, logs, now) => applyChanges(db, lead, changes, logs, now),
    putChunk: (lead, chunk) => putChunk(db, lead, chunk),
    getChunk: (request) => getChunk(db, request),
    leadPool: (pool) => takePoolEpoch(db, pool),
    customersWithWork: (pool) => customersWithWork(db, pool),
    putWorkers: (pool, epoch, changes, now) => putWorkers(db, pool, epoch, changes, now),
    workload: (customerId, id) => readWorkload(db, customerId, id),
    list: (customerId, query) => listWorkloads(db, customerId, query),
    audit: (customerId, id) => readAudit(db, customerId, id),
    logs: (customerId, id, query) => readLogs(db, customerId, id, query),
    key: (owner, keyHash, now) => findKey(db, owner.customerId, keyHash, now),
    async ping() {
      await attempt("asking the database", db.execute(sql`select 1`));
    },
  };
}

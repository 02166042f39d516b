/** The store on Postgres, reached over Neon's HTTP protocol: each verb is one request, for one customer or as operator. */
import { sql } from "drizzle-orm";
import type { StateStore } from "../store.ts";
import { findKey, keyEnds, touchKey } from "./api-keys.ts";
import { readAttempts } from "./attempts.ts";
import { readAudit } from "./audit-trail.ts";
import { findCaller } from "./callers.ts";
import { readCheckpoints } from "./checkpoint-list.ts";
import { getChunk, putChunk } from "./chunks.ts";
import { takeLead } from "./customer-state.ts";
import { type DatabaseOptions, openDatabases } from "./database.ts";
import { createPostgresDirectory } from "./directory/directory.ts";
import { attempt } from "./failure.ts";
import { selectWorkers } from "./fleet.ts";
import { replyUnder, submittedUnder } from "./idempotency-keys.ts";
import { eventsAfter, liveStart, newsAfter, readResults } from "./live.ts";
import { readLogs } from "./logs.ts";
import { customersWithWork, knownCustomers, putWorkers, takePoolEpoch } from "./pools.ts";
import { readLines, readWindow } from "./queue.ts";
import { selectMeant } from "./selection.ts";
import { countAhead, lastEvent } from "./standing.ts";
import { insertSubmissions } from "./submissions.ts";
import { applyChanges } from "./transitions.ts";
import { listWorkloads } from "./workload-list.ts";
import { findWorkloads } from "./workload-rows.ts";
import { readWorkload } from "./workload-views.ts";

export function createPostgresStore(options: DatabaseOptions): StateStore {
  const databases = openDatabases(options);
  const { asCustomer, asOperator } = databases;
  return {
    ...createPostgresDirectory(databases),
    lead: (customerId, windowMax, now) => takeLead(asCustomer(customerId), customerId, windowMax, now),
    window: (customerId, windowMax, now, page) => readWindow(asCustomer(customerId), customerId, windowMax, now, page),
    lines: (customerId, names, room, now) => readLines(asCustomer(customerId), customerId, names, room, now),
    find: (customerId, ids) => findWorkloads(asCustomer(customerId), customerId, ids),
    select: (customerId, selection, max) => selectMeant(asCustomer(customerId), customerId, selection, max),
    insert: (lead, groups, now) => insertSubmissions(asCustomer(lead.customerId), lead, groups, now),
    submittedUnder: (customerId, idempotency, now) =>
      submittedUnder(asCustomer(customerId), customerId, idempotency, now),
    replyUnder: (customerId, idempotency, now) => replyUnder(asCustomer(customerId), customerId, idempotency, now),
    apply: (lead, changes, logs, now, remember = null) =>
      applyChanges(asCustomer(lead.customerId), lead, changes, logs, now, remember),
    putChunk: (lead, chunk) => putChunk(asCustomer(lead.customerId), lead, chunk),
    getChunk: (request) => getChunk(asCustomer(request.customer_id), request),
    ahead: (customerId, place, now) => countAhead(asCustomer(customerId), customerId, place, now),
    lastEvent: (customerId, id, eventType) => lastEvent(asCustomer(customerId), customerId, id, eventType),
    leadPool: (pool) => takePoolEpoch(asOperator(), pool),
    customersWithWork: (pool) => customersWithWork(asOperator(), pool),
    known: (customerIds) => knownCustomers(asOperator(), customerIds),
    putWorkers: (pool, epoch, changes, now) => putWorkers(asOperator(), pool, epoch, changes, now),
    workload: (customerId, id) => readWorkload(asCustomer(customerId), customerId, id),
    list: (customerId, query) => listWorkloads(asCustomer(customerId), customerId, query),
    audit: (customerId, id, query) => readAudit(asCustomer(customerId), customerId, id, query),
    attempts: (customerId, id, query) => readAttempts(asCustomer(customerId), customerId, id, query),
    checkpoints: (customerId, id) => readCheckpoints(asCustomer(customerId), customerId, id),
    workers: (selection) => selectWorkers(asOperator(), selection),
    logs: (customerId, id, query) => readLogs(asCustomer(customerId), customerId, id, query),
    liveStart: (customerId, ...asked) => liveStart(asCustomer(customerId), customerId, ...asked),
    keyEnds: (customerId, principalIds) => keyEnds(asCustomer(customerId), customerId, principalIds),
    eventsAfter: (customerId, eventId, limit) => eventsAfter(asCustomer(customerId), customerId, eventId, limit),
    newsAfter: (customerId, places, limit) => newsAfter(asCustomer(customerId), customerId, places, limit),
    results: (customerId, ids) => readResults(asCustomer(customerId), customerId, ids),
    caller: (customerId) => findCaller(asCustomer(customerId), customerId),
    key: (owner, keyHash, now) => findKey(asCustomer(owner.customerId), owner.customerId, keyHash, now),
    touchKey: (customerId, keyId, at) => touchKey(asCustomer(customerId), customerId, keyId, at),
    async ping() {
      await attempt("asking the database", asOperator().execute(sql`select 1`));
    },
  };
}

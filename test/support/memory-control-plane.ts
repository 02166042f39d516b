/** What stands behind the API in unit tests: a store and coordinators that keep everything in one memory. */

import type {
  Answer,
  CoordinatorGateway,
  SubmitRequest,
  SubmittedWorkload,
} from "../../functions/coordinator/gateway.ts";
import type { Refusal } from "../../functions/domain/refusal.ts";
import { fullBucket } from "../../functions/domain/token-bucket.ts";
import {
  type AuditView,
  type KeyRecord,
  type LogView,
  type Page,
  type ReadStore,
  StoreUnavailable,
} from "../../functions/store/store.ts";
import type { SubmitBody } from "../../schema/http/submit.ts";
import type { ListQuery, WorkloadView } from "../../schema/http/workload.ts";
import type { CustomerId, IdSource, WorkloadId } from "../../schema/ids.ts";
import { isTerminal } from "../../schema/status.ts";
import type { TierLimits } from "../../schema/tiers.ts";
import type { Faults } from "./memory-pools.ts";
import { admitTo, rateOf, type Tenant } from "./memory-tenant.ts";
import { matches, pageOf, viewOf } from "./memory-views.ts";

export class MemoryControlPlane implements ReadStore, CoordinatorGateway {
  readonly traceparents: (string | null)[] = [];
  readonly faults: Faults = { database: "up", leader: "up", broker: "up" };
  readonly #tenants = new Map<string, Tenant>();
  readonly #keys = new Map<string, KeyRecord>();
  readonly #ids: IdSource;
  readonly #now: () => number;

  constructor(ids: IdSource, now: () => number) {
    this.#ids = ids;
    this.#now = now;
  }

  addCustomer(customerId: CustomerId, limits: TierLimits): void {
    const rate = { ratePerSecond: limits.submitsPerSecond ?? 0, burst: limits.submitBurst };
    const bucket = fullBucket(rate, this.#now());
    this.#tenants.set(customerId, { limits, types: ["noop"], bucket, workloads: new Map(), used: new Map() });
  }

  addKey(keyHash: string, record: KeyRecord): void {
    this.#keys.set(keyHash, record);
  }

  revokeKey(keyHash: string): void {
    this.#keys.delete(keyHash);
  }

  finish(customerId: CustomerId, id: WorkloadId): void {
    const kept = this.#tenant(customerId).workloads.get(id);
    if (kept !== undefined) kept.view = { ...kept.view, status: "COMPLETED" };
  }

  addLogs(customerId: CustomerId, id: WorkloadId, lines: readonly LogView[]): void {
    this.#tenant(customerId)
      .workloads.get(id)
      ?.logs.push(...lines);
  }

  count(customerId: CustomerId): number {
    return this.#tenant(customerId).workloads.size;
  }

  #tenant(customerId: string): Tenant {
    const tenant = this.#tenants.get(customerId);
    if (tenant === undefined) throw new Error(`no customer ${customerId}`);
    return tenant;
  }

  #checkDatabase(): void {
    if (this.faults.database === "down") throw new StoreUnavailable("connection refused by 10.0.0.7");
    if (this.faults.database === "broken") throw new Error("column secret_column does not exist");
  }

  // ReadStore

  async key(owner: { customerId: CustomerId }, keyHash: string, now: number): Promise<KeyRecord | null> {
    this.#checkDatabase();
    const record = this.#keys.get(keyHash);
    if (record === undefined || record.customerId !== owner.customerId) return null;
    return record.expiresAt !== null && record.expiresAt <= now ? null : record;
  }

  async ping(): Promise<void> {
    this.#checkDatabase();
  }

  async workload(customerId: CustomerId, id: WorkloadId): Promise<WorkloadView | null> {
    this.#checkDatabase();
    return this.#tenant(customerId).workloads.get(id)?.view ?? null;
  }

  async audit(customerId: CustomerId, id: WorkloadId): Promise<readonly AuditView[] | null> {
    return this.#tenant(customerId).workloads.get(id)?.audit ?? null;
  }

  async list(customerId: CustomerId, query: ListQuery): Promise<Page<WorkloadView> | "bad_cursor"> {
    this.#checkDatabase();
    const all = [...this.#tenant(customerId).workloads.values()].map(({ view }) => view);
    const matching = all.filter((view) => matches(view, query)).reverse();
    const page = pageOf(matching, query.cursor, query.limit, query.offset ?? 0);
    if (page === "bad_cursor" || query.count !== "true") return page;
    return { ...page, total: matching.length };
  }

  async logs(
    customerId: CustomerId,
    id: WorkloadId,
    query: { level?: string | undefined; limit: number; cursor?: string | undefined },
  ): Promise<Page<LogView> | "bad_cursor" | null> {
    const kept = this.#tenant(customerId).workloads.get(id);
    if (kept === undefined) return null;
    const lines = kept.logs.filter(({ level }) => query.level === undefined || level === query.level);
    return pageOf(lines, query.cursor, query.limit, 0);
  }

  // CoordinatorGateway

  async submit(customerId: string, request: SubmitRequest): Promise<Answer<readonly SubmittedWorkload[]>> {
    if (this.faults.leader === "down") return this.#absent();
    const tenant = this.#tenant(customerId);
    const used = request.idempotency === null ? undefined : tenant.used.get(request.idempotency.key);
    if (used !== undefined && used.bodySha256 === request.idempotency?.bodySha256) {
      return { ok: true, value: used.submitted, rate: rateOf(tenant, this.#now()) };
    }
    const refusal =
      used === undefined ? admitTo(tenant, request, this.#now()) : ({ kind: "idempotency_conflict" } as const);
    if (refusal !== null) return { ok: false, refusal, rate: rateOf(tenant, this.#now()) };
    this.traceparents.push(request.traceparent);
    const submitted = request.bodies.map((body) => this.#keep(customerId, tenant, body, request.actor.id));
    const { idempotency } = request;
    if (idempotency !== null) tenant.used.set(idempotency.key, { bodySha256: idempotency.bodySha256, submitted });
    return { ok: true, value: submitted, rate: rateOf(tenant, this.#now()) };
  }

  #absent(): { ok: false; refusal: Refusal; rate: null } {
    return { ok: false, refusal: { kind: "unavailable", what: "leader", retryAfterSeconds: 1 }, rate: null };
  }

  #keep(customerId: string, tenant: Tenant, body: SubmitBody, actorId: string): SubmittedWorkload {
    const workloadId = this.#ids.workload();
    const now = this.#now();
    const timestamp = new Date(now).toISOString();
    const created = {
      event_id: this.#ids.message(),
      event_type: "workload.created",
      timestamp,
      actor_type: "user",
      actor_id: actorId,
      generation: 0,
      details: {},
    };
    const view = viewOf(customerId as CustomerId, workloadId, body, timestamp);
    tenant.workloads.set(workloadId, { view, audit: [created], logs: [] });
    return { workloadId, createdAt: now, estimatedStartAt: null };
  }

  async cancel(
    customerId: string,
    { workloadId, reason }: { workloadId: WorkloadId; reason: string | null },
  ): Promise<Answer<null>> {
    if (this.faults.leader === "down") return this.#absent();
    const tenant = this.#tenant(customerId);
    const kept = tenant.workloads.get(workloadId);
    const rate = rateOf(tenant, this.#now());
    if (kept === undefined) return { ok: false, refusal: { kind: "unknown_workload" }, rate };
    const { status } = kept.view;
    if (status !== "CANCELLED" && isTerminal(status)) {
      return { ok: false, refusal: { kind: "wrong_state", status, action: "cancel" }, rate };
    }
    kept.view = { ...kept.view, status: "CANCELLED", error: { type: "cancelled", message: reason ?? "" } };
    return { ok: true, value: null, rate };
  }
}

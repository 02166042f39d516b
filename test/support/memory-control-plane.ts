/** What stands behind the API in unit tests: a store, coordinators and pools that keep everything in one memory. */

import type {
  Answer,
  CoordinatorGateway,
  PoolGateway,
  SubmitRequest,
  SubmittedWorkload,
} from "../../functions/coordinator/gateway.ts";
import { admit } from "../../functions/domain/admission.ts";
import type { Refusal } from "../../functions/domain/refusal.ts";
import { fullBucket, type TokenBucket, tokensAt } from "../../functions/domain/token-bucket.ts";
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

interface Kept {
  view: WorkloadView;
  readonly audit: AuditView[];
  readonly logs: LogView[];
}

interface Used {
  readonly bodySha256: string;
  readonly submitted: readonly SubmittedWorkload[];
}

interface Tenant {
  readonly limits: TierLimits;
  readonly types: readonly string[];
  bucket: TokenBucket;
  readonly workloads: Map<WorkloadId, Kept>;
  readonly used: Map<string, Used>;
}

/** Switches for what may go wrong outside. */
export interface Faults {
  database: "up" | "down" | "broken";
  leader: "up" | "down";
  broker: "up" | "down";
}

export class MemoryControlPlane implements ReadStore, CoordinatorGateway, PoolGateway {
  readonly pools = ["default", "gpu"];
  readonly woken: string[] = [];
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
      return { ok: true, value: used.submitted, rate: this.#rate(tenant) };
    }
    const refusal = used === undefined ? this.#admit(tenant, request) : ({ kind: "idempotency_conflict" } as const);
    if (refusal !== null) return { ok: false, refusal, rate: this.#rate(tenant) };
    this.traceparents.push(request.traceparent);
    const submitted = request.bodies.map((body) => this.#keep(customerId, tenant, body, request.actor.id));
    const { idempotency } = request;
    if (idempotency !== null) tenant.used.set(idempotency.key, { bodySha256: idempotency.bodySha256, submitted });
    return { ok: true, value: submitted, rate: this.#rate(tenant) };
  }

  #absent(): { ok: false; refusal: Refusal; rate: null } {
    return { ok: false, refusal: { kind: "unavailable", what: "leader", retryAfterSeconds: 1 }, rate: null };
  }

  #admit(tenant: Tenant, { bodies }: SubmitRequest): Refusal | null {
    const unknown = bodies.find(({ workload_type }) => !tenant.types.includes(workload_type));
    if (unknown !== undefined) return { kind: "unknown_workload_type", workloadType: unknown.workload_type };
    const { limits, bucket } = tenant;
    const queuedCount = [...tenant.workloads.values()].filter(({ view }) => view.status === "PENDING").length;
    const admission = admit({ queuedCount, limits, items: bodies.length, bucket, now: this.#now() });
    if (!admission.ok) return admission.refusal;
    tenant.bucket = admission.bucket;
    return null;
  }

  #rate({ limits, bucket }: Tenant) {
    if (limits.submitsPerSecond === null) return { limit: null, remaining: 0, resetSeconds: 0 };
    const rate = { ratePerSecond: limits.submitsPerSecond, burst: limits.submitBurst };
    return { limit: rate.burst, remaining: Math.floor(tokensAt(bucket, this.#now(), rate)), resetSeconds: 1 };
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
    const rate = this.#rate(tenant);
    if (kept === undefined) return { ok: false, refusal: { kind: "unknown_workload" }, rate };
    const { status } = kept.view;
    if (status !== "CANCELLED" && isTerminal(status)) {
      return { ok: false, refusal: { kind: "wrong_state", status, action: "cancel" }, rate };
    }
    kept.view = { ...kept.view, status: "CANCELLED", error: { type: "cancelled", message: reason ?? "" } };
    return { ok: true, value: null, rate };
  }

  // PoolGateway

  async wake(pool: string): Promise<void> {
    if (this.faults.leader === "down") throw new Error("the object was reset");
    this.woken.push(pool);
  }

  async health(): Promise<{ broker: boolean; leader: boolean }> {
    if (this.faults.leader === "down") throw new Error("the object was reset");
    return { broker: this.faults.broker === "up", leader: true };
  }

  async metrics(): Promise<string> {
    if (this.faults.leader === "down") throw new Error("the object was reset");
    return "# TYPE niyanta_worker_capacity_total gauge\nniyanta_worker_capacity_total 10\n";
  }
}

const matches = (view: WorkloadView, { status, workload_type, label = [] }: ListQuery): boolean =>
  (status === undefined || view.status === status) &&
  (workload_type === undefined || view.workload_type === workload_type) &&
  label.every((text) => {
    const [name = "", value = ""] = text.split(/:(.*)/s);
    return view.labels[name] === value;
  });

function pageOf<T>(
  items: readonly T[],
  cursor: string | undefined,
  limit: number,
  offset: number,
): Page<T> | "bad_cursor" {
  const from = cursor === undefined ? offset : Number(/^at(\d+)$/.exec(cursor)?.[1] ?? -1);
  if (from < 0) return "bad_cursor";
  const hasMore = items.length > from + limit;
  return { items: items.slice(from, from + limit), hasMore, nextCursor: hasMore ? `at${from + limit}` : null };
}

const viewOf = (customer_id: CustomerId, workload_id: WorkloadId, body: SubmitBody, at: string): WorkloadView => ({
  workload_id,
  customer_id,
  workload_type: body.workload_type,
  status: "PENDING",
  priority: body.priority,
  progress_percent: 0,
  progress_message: null,
  worker_id: null,
  pool: body.pool,
  labels: body.labels,
  input_params: body.input_params,
  result_data: null,
  error: null,
  retry_count: 0,
  death_count: 0,
  generation: 0,
  checkpoint_sequence: 0,
  affinity_rules: body.affinity_rules ?? null,
  timeout_seconds: body.timeout_seconds ?? null,
  created_at: at,
  run_at: body.run_at ?? null,
  scheduled_at: null,
  started_at: null,
  completed_at: null,
  updated_at: at,
  estimated_completion_time: null,
});

/** What stands behind the API in unit tests: a store and coordinators that keep everything in one memory. */

import type {
  Answer,
  CoordinatorGateway,
  Directed,
  DirectRequest,
  Operated,
  OperateRequest,
  SubmitRequest,
  SubmittedWorkload,
  Watched,
} from "../../functions/coordinator/gateway.ts";
import { attemptsOf } from "../../functions/domain/attempts.ts";
import { overridesOf } from "../../functions/domain/customer-limits.ts";
import type { ChangeKind } from "../../functions/domain/directory-change.ts";
import type { Recorded } from "../../functions/domain/explain.ts";
import type { Refusal } from "../../functions/domain/refusal.ts";
import { fullBucket } from "../../functions/domain/token-bucket.ts";
import type { CreatedCustomer, Directory } from "../../functions/store/directory.ts";
import { createMemoryStore, type MemoryStore } from "../../functions/store/memory/memory-store.ts";
import {
  type AuditView,
  type CallerRecord,
  type KeyRecord,
  type LogView,
  type Page,
  type ReadStore,
  type StoredWorker,
  StoreUnavailable,
} from "../../functions/store/store.ts";
import type { AttemptQuery, AttemptView, CheckpointView } from "../../schema/http/attempt.ts";
import type { UsageView } from "../../schema/http/customer.ts";
import type { ExplainRule, ExplanationView } from "../../schema/http/explain.ts";
import type { SubmitBody } from "../../schema/http/submit.ts";
import type { AuditQuery, ListQuery, LogQuery, WorkloadView } from "../../schema/http/workload.ts";
import type { CustomerId, IdSource, KeyId, WorkloadId } from "../../schema/ids.ts";
import { logLevels, type WorkloadEventType, type WorkloadStatus } from "../../schema/status.ts";
import { limitsOf, type TierLimits } from "../../schema/tiers.ts";
import { MemoryDirecting } from "./memory-directing.ts";
import { operateOn } from "./memory-operations.ts";
import type { Faults } from "./memory-pools.ts";
import { admitTo, rateOf, type Tenant } from "./memory-tenant.ts";
import { matches, pageOf, viewOf } from "./memory-views.ts";

type KeyOwnerOf = Parameters<ReadStore["key"]>[0];

const ruleOf: Partial<Record<WorkloadStatus, ExplainRule>> = { COMPLETED: "COMPLETED", CANCELLED: "CANCELLED" };

export class MemoryControlPlane implements ReadStore, Directory, CoordinatorGateway {
  /** Customers, their types and their keys. */
  readonly directory: MemoryStore = createMemoryStore();
  readonly traceparents: (string | null)[] = [];
  readonly faults: Faults = { database: "up", leader: "up", broker: "up" };
  /** Key ids and times, as they were said to be in use. */
  /** Rows of workers. */
  readonly stored: StoredWorker[] = [];
  readonly touches: [KeyId, number][] = [];
  takesTouches = true;
  /** As callers; a key carries its own. */
  readonly suspended = new Set<CustomerId>();
  readonly #tenants = new Map<string, Tenant>();
  readonly #revoked = new Set<string>();
  readonly #directing: MemoryDirecting;
  readonly #ids: IdSource;
  readonly #now: () => number;

  constructor(ids: IdSource, now: () => number) {
    this.#ids = ids;
    this.#now = now;
    this.#directing = new MemoryDirecting(this.directory, ids, now);
  }

  addCustomer(customerId: CustomerId, limits: TierLimits, suspended = false): void {
    this.directory.putCustomer({ customerId, tier: "enterprise", limits, suspended, types: new Map() });
    this.#addTenant(customerId, limits);
  }

  #addTenant(customerId: CustomerId, limits: TierLimits): void {
    const rate = { ratePerSecond: limits.submitsPerSecond ?? 0, burst: limits.submitBurst };
    const bucket = fullBucket(rate, this.#now());
    this.#tenants.set(customerId, {
      limits,
      types: ["noop"],
      bucket,
      workloads: new Map(),
      used: new Map(),
      answered: new Map(),
    });
  }

  addKey(keyHash: string, { keyId, customerId, scopes, expiresAt }: KeyRecord): void {
    this.directory.addKey({ keyId, customerId, keyHash, scopes, expiresAt, revokedAt: null });
  }

  forgetKey(keyHash: string): void {
    this.#revoked.add(keyHash);
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

  /** What is put in there has happened. */
  trailOf(customerId: CustomerId, id: WorkloadId): AuditView[] {
    const kept = this.#tenant(customerId).workloads.get(id);
    if (kept === undefined) throw new Error(`no workload ${id}`);
    return kept.audit;
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

  async key(owner: KeyOwnerOf, keyHash: string, now: number): Promise<KeyRecord | null> {
    this.#checkDatabase();
    return this.#revoked.has(keyHash) ? null : this.directory.key(owner, keyHash, now);
  }

  async caller(customerId: CustomerId): Promise<CallerRecord | null> {
    this.#checkDatabase();
    const tenant = this.#tenants.get(customerId);
    if (tenant === undefined) return null;
    return { customerId, suspended: this.suspended.has(customerId), limits: tenant.limits };
  }

  async touchKey(_customerId: CustomerId, keyId: KeyId, at: number): Promise<void> {
    if (!this.takesTouches) throw new StoreUnavailable("connection refused by 10.0.0.7");
    this.touches.push([keyId, at]);
  }

  async ping(): Promise<void> {
    this.#checkDatabase();
  }

  async workload(customerId: CustomerId, id: WorkloadId): Promise<WorkloadView | null> {
    this.#checkDatabase();
    return this.#tenant(customerId).workloads.get(id)?.view ?? null;
  }

  async audit(
    customerId: CustomerId,
    id: WorkloadId,
    { limit, cursor }: AuditQuery,
  ): Promise<Page<AuditView> | "bad_cursor" | null> {
    const kept = this.#tenant(customerId).workloads.get(id);
    return kept === undefined ? null : pageOf(kept.audit, cursor, limit, 0);
  }

  async lastEvent(customerId: CustomerId, id: WorkloadId, eventType: WorkloadEventType): Promise<Recorded | null> {
    const found = this.trailOf(customerId, id).findLast(({ event_type }) => event_type === eventType);
    if (found === undefined) return null;
    const { generation, actor_type: type, actor_id, timestamp, details } = found;
    return { eventType, generation, actor: { type, id: actor_id }, at: Date.parse(timestamp), details };
  }

  async attempts(
    customerId: CustomerId,
    id: WorkloadId,
    { limit, cursor }: AttemptQuery,
  ): Promise<Page<AttemptView> | "bad_cursor" | null> {
    const kept = this.#tenant(customerId).workloads.get(id);
    return kept === undefined ? null : pageOf(attemptsOf(kept.audit), cursor, limit, 0);
  }

  async list(customerId: CustomerId, query: ListQuery): Promise<Page<WorkloadView> | "bad_cursor"> {
    this.#checkDatabase();
    const all = [...this.#tenant(customerId).workloads.values()].map(({ view }) => view);
    const matching = all.filter((view) => matches(view, query)).reverse();
    const page = pageOf(matching, query.cursor, query.limit, query.offset ?? 0);
    if (page === "bad_cursor" || query.count !== "true") return page;
    return { ...page, total: matching.length };
  }

  async logs(customerId: CustomerId, id: WorkloadId, query: LogQuery): Promise<Page<LogView> | "bad_cursor" | null> {
    const kept = this.#tenant(customerId).workloads.get(id);
    if (kept === undefined) return null;
    const least = query.level === undefined ? 0 : logLevels.indexOf(query.level);
    const lines = kept.logs.filter(({ level }) => logLevels.indexOf(level) >= least);
    return pageOf(lines, query.cursor, query.limit, 0);
  }

  async checkpoints(customerId: CustomerId, id: WorkloadId): Promise<readonly CheckpointView[] | null> {
    return this.#tenant(customerId).workloads.has(id) ? [] : null;
  }

  async workers(): Promise<readonly StoredWorker[]> {
    return this.stored;
  }

  // Directory

  readonly workloadType: Directory["workloadType"] = this.directory.workloadType;
  readonly workloadTypes: Directory["workloadTypes"] = this.directory.workloadTypes;
  readonly putType: Directory["putType"] = this.directory.putType;
  readonly deleteType: Directory["deleteType"] = this.directory.deleteType;
  readonly apiKey: Directory["apiKey"] = this.directory.apiKey;
  readonly apiKeys: Directory["apiKeys"] = this.directory.apiKeys;
  readonly countLiveKeys: Directory["countLiveKeys"] = this.directory.countLiveKeys;
  readonly issueKey: Directory["issueKey"] = this.directory.issueKey;
  readonly revokeKey: Directory["revokeKey"] = this.directory.revokeKey;
  readonly customer: Directory["customer"] = this.directory.customer;
  readonly customers: Directory["customers"] = this.directory.customers;
  readonly putTerms: Directory["putTerms"] = this.directory.putTerms;
  readonly statistics: Directory["statistics"] = this.directory.statistics;

  async createCustomer(...asked: Parameters<Directory["createCustomer"]>): Promise<CreatedCustomer> {
    this.#checkDatabase();
    const [customerId, { tier, overrides }] = asked;
    const outcome = await this.directory.createCustomer(...asked);
    if (outcome.kind === "created") this.#addTenant(customerId, limitsOf(tier, overridesOf(overrides)));
    return outcome;
  }

  // CoordinatorGateway

  async direct<K extends ChangeKind>(customerId: CustomerId, request: DirectRequest<K>): Promise<Answer<Directed<K>>> {
    return this.faults.leader === "down" ? this.#absent() : this.#directing.direct(customerId, request);
  }

  async usage(customerId: CustomerId): Promise<Answer<UsageView>> {
    if (this.faults.leader === "down") return this.#absent();
    const tenant = this.#tenant(customerId);
    const queued = [...tenant.workloads.values()].filter(({ view }) => view.status === "PENDING").length;
    const { limit, remaining } = rateOf(tenant, this.#now());
    return { ok: true, value: { running: 0, queued, submit_tokens: limit === null ? null : remaining }, rate: null };
  }

  /** There are no workers, so whatever waits waits for one. */
  async explain(customerId: string, id: WorkloadId): Promise<Answer<ExplanationView>> {
    if (this.faults.leader === "down") return this.#absent();
    const view = this.#tenant(customerId).workloads.get(id)?.view;
    if (view === undefined) return { ok: false, refusal: { kind: "unknown_workload" }, rate: null };
    const { status, pool } = view;
    const none = { queue: null, estimated_start_time: null, forecast: null, forecast_reason: "not_waiting" as const };
    const value = { workload_id: id, status, rule: ruleOf[status] ?? "POOL_EMPTY", message: "so it is", ...none };
    return { ok: true, value: { ...value, details: { pool } }, rate: null };
  }

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
      actor_type: "user" as const,
      actor_id: actorId,
      generation: 0,
      details: {},
    };
    const view = viewOf(customerId as CustomerId, workloadId, body, timestamp);
    tenant.workloads.set(workloadId, { view, audit: [created], logs: [] });
    return { workloadId, createdAt: now, estimatedStartAt: null };
  }

  async operate(customerId: string, request: OperateRequest): Promise<Answer<Operated>> {
    if (this.faults.leader === "down") return this.#absent();
    const tenant = this.#tenant(customerId);
    const result = operateOn(tenant, request, { now: this.#now(), newId: () => this.#ids.workload() });
    return { ...result, rate: rateOf(tenant, this.#now()) };
  }

  /** Nothing runs here, so nothing is to be waited for. */
  /** Who may watch is told so; sockets are the runtime's, and there are none here. */
  async watch(customerId: string, { workloadId }: { workloadId: WorkloadId | null }): Promise<Watched> {
    if (this.faults.leader === "down") return { kind: "refused", refusal: this.#absent().refusal };
    const isThere = workloadId === null || this.#tenant(customerId).workloads.has(workloadId);
    const refusal: Refusal = isThere ? { kind: "watchers_full", watchersMax: 0 } : { kind: "unknown_workload" };
    return { kind: "refused", refusal };
  }

  async settled(customerId: string, id: WorkloadId): Promise<Answer<WorkloadStatus | null>> {
    if (this.faults.leader === "down") return this.#absent();
    return { ok: true, value: this.#tenant(customerId).workloads.get(id)?.view.status ?? null, rate: null };
  }
}

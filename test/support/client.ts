/** A customer of the API in tests: typed calls, and waiting from outside for what the API will come to say. */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Affinity } from "../../schema/affinity.ts";
import {
  type AttemptView,
  attemptListSchema,
  type CheckpointView,
  checkpointListSchema,
} from "../../schema/http/attempt.ts";
import { type ExplanationView, explanationSchema } from "../../schema/http/explain.ts";
import { operatedSchema } from "../../schema/http/operation.ts";
import { batchSubmittedSchema, type submitBodySchema, submittedSchema } from "../../schema/http/submit.ts";
import {
  auditTrailSchema,
  logPageSchema,
  type WorkloadView,
  workloadListSchema,
  workloadViewSchema,
} from "../../schema/http/workload.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import type { WorkloadEventType, WorkloadStatus } from "../../schema/status.ts";
import { isTerminal } from "../../schema/status.ts";

export type Submission = z.input<typeof submitBodySchema>;
export type AuditEvent = z.infer<typeof auditTrailSchema>["events"][number];

const pollMs = 30;
/** A bound on waiting, so that a test that waits in vain says for what. */
const waitMsMax = 90_000;

/** An answer that is not a success. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;
  constructor(status: number, what: string, body: string) {
    super(`${what} was answered ${status}: ${body}`);
    this.status = status;
  }
}

/** No answer at all, or one that leaves open what was done. */
const isUnknown = (error: unknown): boolean => !(error instanceof Refused) || error.status >= 500;

const under = (idempotencyKey: string | undefined): Record<string, string> =>
  idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey };

export class Client {
  readonly #url: string;
  readonly #key: string;

  constructor(apiUrl: string, key: string) {
    this.#url = apiUrl;
    this.#key = key;
  }

  async submit(body: Submission, idempotencyKey?: string): Promise<WorkloadId> {
    const headers = under(idempotencyKey);
    return (await this.#send("POST", "/v1/workloads", submittedSchema, body, headers)).workload_id;
  }

  /** Sends again under the same key until there is an answer; a refusal that is certain is thrown. */
  submitSurely(body: Submission, idempotencyKey: string): Promise<WorkloadId> {
    return this.until(
      `the answer to submission ${idempotencyKey}`,
      () => this.submit(body, idempotencyKey),
      () => true,
    );
  }

  async submitBatch(workloads: readonly Submission[]): Promise<WorkloadId[]> {
    const reply = await this.#send("POST", "/v1/workloads/batch", batchSubmittedSchema, { workloads });
    return reply.workloads.map(({ workload_id }) => workload_id);
  }

  get(id: WorkloadId): Promise<WorkloadView> {
    return this.#send("GET", `/v1/workloads/${id}`, workloadViewSchema);
  }

  list(query: Record<string, string> = {}): Promise<z.infer<typeof workloadListSchema>> {
    return this.#send("GET", `/v1/workloads?${new URLSearchParams(query)}`, workloadListSchema);
  }

  async count(status: WorkloadStatus): Promise<number> {
    return (await this.list({ status, count: "true", limit: "1" })).pagination.total ?? 0;
  }

  cancel(id: WorkloadId, reason?: string): Promise<unknown> {
    return this.#send("POST", `/v1/workloads/${id}/cancel`, z.unknown(), reason === undefined ? {} : { reason });
  }

  pause(id: WorkloadId, idempotencyKey?: string): Promise<unknown> {
    return this.#send("POST", `/v1/workloads/${id}/pause`, z.unknown(), undefined, under(idempotencyKey));
  }

  resume(id: WorkloadId): Promise<unknown> {
    return this.#send("POST", `/v1/workloads/${id}/resume`, z.unknown());
  }

  move(id: WorkloadId, to: { pool?: string; affinity_rules?: Affinity | null }): Promise<unknown> {
    return this.#send("POST", `/v1/workloads/${id}/move`, z.unknown(), to);
  }

  /** Answers the new workload. */
  async retry(id: WorkloadId, from_checkpoint: boolean): Promise<WorkloadId> {
    return (await this.#send("POST", `/v1/workloads/${id}/retry`, submittedSchema, { from_checkpoint })).workload_id;
  }

  batch(action: "cancel" | "pause" | "resume" | "retry", filter: object): Promise<z.infer<typeof operatedSchema>> {
    return this.#send("POST", `/v1/workloads/batch/${action}`, operatedSchema, { filter });
  }

  audit(id: WorkloadId): Promise<AuditEvent[]> {
    return this.#whole(`/v1/workloads/${id}/audit`, auditTrailSchema, ({ events }) => events);
  }

  explain(id: WorkloadId): Promise<ExplanationView> {
    return this.#send("GET", `/v1/workloads/${id}/explain`, explanationSchema);
  }

  attempts(id: WorkloadId): Promise<AttemptView[]> {
    return this.#whole(`/v1/workloads/${id}/attempts`, attemptListSchema, ({ attempts }) => attempts);
  }

  async checkpoints(id: WorkloadId): Promise<CheckpointView[]> {
    return (await this.#send("GET", `/v1/workloads/${id}/checkpoints`, checkpointListSchema)).checkpoints;
  }

  async logs(id: WorkloadId): Promise<z.infer<typeof logPageSchema>["logs"]> {
    return (await this.#send("GET", `/v1/workloads/${id}/logs`, logPageSchema)).logs;
  }

  /** Throws at once when the workload ends in another way. */
  async untilStatus(id: WorkloadId, status: WorkloadStatus): Promise<WorkloadView> {
    const isThere = (view: WorkloadView) => view.status === status || isTerminal(view.status);
    const view = await this.until(`${id} to be ${status}`, () => this.get(id), isThere);
    if (view.status !== status) throw new Error(`${id} is ${view.status}, not ${status}: ${JSON.stringify(view)}`);
    return view;
  }

  /** The `nth` event of that type. */
  async untilAudit(id: WorkloadId, eventType: WorkloadEventType, nth = 1): Promise<AuditEvent> {
    const ofType = (events: AuditEvent[]) => events.filter((event) => event.event_type === eventType);
    const what = `event ${nth} of type ${eventType} of ${id}`;
    const events = await this.until(
      what,
      () => this.audit(id),
      (found) => ofType(found).length >= nth,
    );
    const event = ofType(events)[nth - 1];
    if (event === undefined) throw new Error(`${what} is gone`);
    return event;
  }

  untilCount(status: WorkloadStatus, atLeast: number): Promise<number> {
    return this.until(
      `${atLeast} to be ${status}`,
      () => this.count(status),
      (count) => count >= atLeast,
    );
  }

  /** Asks until the answer holds; while the system is away nothing is known yet. */
  async until<T>(what: string, ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
    const end = performance.now() + waitMsMax;
    let last: unknown = null;
    while (performance.now() < end) {
      try {
        const value = await ask();
        if (holds(value)) return value;
        last = value;
      } catch (error) {
        if (!isUnknown(error)) throw error;
        last = error;
      }
      await delay(pollMs);
    }
    throw new Error(`waited in vain for ${what}; last seen: ${describe(last)}`);
  }

  /** Of all pages together. */
  async #whole<P extends { next_cursor: string | null }, T>(
    path: string,
    schema: z.ZodType<P>,
    itemsOf: (page: P) => T[],
  ): Promise<T[]> {
    const items: T[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: P = await this.#send("GET", cursor === "" ? path : `${path}?cursor=${cursor}`, schema);
      items.push(...itemsOf(page));
      cursor = page.next_cursor;
    }
    return items;
  }

  async #send<T>(
    method: string,
    path: string,
    schema: z.ZodType<T>,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const reply = await fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#key}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    if (!reply.ok) throw new Refused(reply.status, `${method} ${path}`, text);
    return schema.parse(JSON.parse(text));
  }
}

const describe = (value: unknown): string => (value instanceof Error ? String(value) : JSON.stringify(value));

/** What workers say, each kind to who answers for it. */
import type { CustomerId, WorkerId } from "../../schema/ids.ts";
import type { Chunk, ChunkRequest, CoordinatorReply, ToCoordinator } from "../../schema/messages/to-coordinator.ts";
import { type EventOutcome, endsAttempt, type WorkerEvent } from "../../schema/messages/worker-events.ts";
import type { Refusal } from "../domain/refusal.ts";
import { notHeld } from "../domain/transition.ts";
import { isFamiliar } from "./claims.ts";
import { heartbeat, leave, register } from "./health.ts";
import type { Pool } from "./pool.ts";
import { queueBatch } from "./tenants.ts";

type Of<T extends ToCoordinator["type"]> = Extract<ToCoordinator, { type: T }>["payload"];

/** `sender`: whom the broker let in. A message may name another worker; nobody can speak for one. */
export async function take(pool: Pool, sender: WorkerId, message: ToCoordinator): Promise<CoordinatorReply> {
  if (!isOwn(pool, sender, message)) return forged(pool, sender, message);
  if (pool.orders.isRemoved(sender) && message.type !== "worker.goodbye") return removed;
  switch (message.type) {
    case "worker.register":
      return registered(pool, message.payload);
    case "worker.heartbeat":
      return acknowledged(pool, message.payload);
    case "worker.events":
      return reported(pool, message.payload);
    case "worker.checkpoint_chunk":
      return stored(pool, message.payload);
    case "worker.fetch_checkpoint":
      return fetched(pool, message.payload);
    case "worker.goodbye":
      leave(pool, message.payload.worker_id);
      return { type: "goodbye.ack", payload: {} };
  }
}

const isOwn = ({ deps }: Pool, sender: WorkerId, { type, payload }: ToCoordinator): boolean =>
  payload.worker_id === sender && (type !== "worker.register" || payload.pool === deps.name);

function forged({ deps, metrics }: Pool, sender: WorkerId, { type, payload }: ToCoordinator): CoordinatorReply {
  deps.log.warn({ worker_id: sender, claimed: payload.worker_id, type }, "a worker spoke for another one");
  metrics.record([{ counter: "niyanta_broker_forged_total", labels: {}, value: 1 }]);
  return { type: "error", payload: { code: "invalid", message: "not this worker's to say", retry: false } };
}

function registered(pool: Pool, registration: Of<"worker.register">): CoordinatorReply {
  const fenced = register(pool, registration);
  pool.roll.heard();
  const { leaseMs, heartbeatMs } = pool.deps.terms;
  return { type: "registered", payload: { lease_ms: leaseMs, heartbeat_ms: heartbeatMs, fenced } };
}

function acknowledged(pool: Pool, beat: Of<"worker.heartbeat">): CoordinatorReply {
  const fenced = heartbeat(pool, beat);
  return { type: "heartbeat.ack", payload: { fenced: fenced ?? [], register_again: fenced === null } };
}

/** Answered when the coordinator has answered: nothing is done until Postgres says so. */
async function reported(
  pool: Pool,
  { worker_id, customer_id, events }: Of<"worker.events">,
): Promise<CoordinatorReply> {
  for (const event of events) noteAttempt(pool, worker_id, customer_id, event);
  const exists = isFamiliar(pool, customer_id) || (await pool.strangers.exists(customer_id));
  if (exists === null) return notNow;
  if (!exists) return { type: "events.outcome", payload: { outcomes: events.map(notHeld) } };
  const outcomes = await new Promise<readonly EventOutcome[] | null>((settle) => {
    const reports = events.map((event) => ({ workerId: worker_id, event }));
    const tenant = pool.tenants.get(customer_id);
    tenant.active = true;
    queueBatch(tenant, { workerId: worker_id, reports, settle });
    pool.advance();
  });
  return outcomes === null ? notNow : { type: "events.outcome", payload: { outcomes: [...outcomes] } };
}

/**
 * Who speaks of an attempt has it, also when the answer to its assignment was lost. The slot is free as soon as the worker
 * says so; the next placement goes in the same exchange, behind the report.
 */
function noteAttempt({ ledger }: Pool, workerId: WorkerId, customerId: CustomerId, event: WorkerEvent): void {
  const attempt = ledger.find(event);
  if (attempt?.workerId !== workerId || attempt.customerId !== customerId) return;
  if (endsAttempt(event)) ledger.end(attempt);
  else if (attempt.state === "sent" || attempt.state === "unconfirmed") attempt.state = "held";
}

/** Null: that cannot be said now. Nobody's object is made for a customer that a worker has invented. */
const isCustomer = async (pool: Pool, customerId: CustomerId): Promise<boolean | null> =>
  isFamiliar(pool, customerId) || pool.strangers.exists(customerId);

async function stored(pool: Pool, chunk: Chunk): Promise<CoordinatorReply> {
  const exists = await isCustomer(pool, chunk.customer_id);
  if (exists === null) return notNow;
  if (!exists) return { type: "checkpoint.stored", payload: { outcome: "fenced" } };
  const result = await pool.deps.coordinator(chunk.customer_id).putChunk(chunk);
  if (!result.ok) return refused(result.refusal);
  return { type: "checkpoint.stored", payload: { outcome: result.value === "stored" ? "committed" : result.value } };
}

async function fetched(pool: Pool, request: ChunkRequest): Promise<CoordinatorReply> {
  const exists = await isCustomer(pool, request.customer_id);
  if (exists === null) return notNow;
  if (!exists) return { type: "checkpoint.chunk", payload: { outcome: "fenced", data: "" } };
  const result = await pool.deps.coordinator(request.customer_id).getChunk(request);
  if (!result.ok) return refused(result.refusal);
  if (result.value === "fenced") return { type: "checkpoint.chunk", payload: { outcome: "fenced", data: "" } };
  if (result.value === "unknown") return { type: "checkpoint.chunk", payload: { outcome: "refused", data: "" } };
  return { type: "checkpoint.chunk", payload: { outcome: "committed", data: base64(result.value) } };
}

/** `Uint8Array.prototype.toBase64` is not everywhere yet; Buffer is in workerd with nodejs_compat. */
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

const unavailable = (message: string): CoordinatorReply => ({
  type: "error",
  payload: { code: "unavailable", message, retry: true },
});
const removed: CoordinatorReply = {
  type: "error",
  payload: { code: "removed", message: "this worker was removed by the operator", retry: false },
};
const notNow = unavailable("not written; send it again");
const refused = (refusal: Refusal): CoordinatorReply => unavailable(refusal.kind);

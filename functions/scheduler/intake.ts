/** What workers say, each kind to who answers for it. */
import type { WorkerId } from "../../schema/ids.ts";
import type { Chunk, ChunkRequest, CoordinatorReply, ToCoordinator } from "../../schema/messages/to-coordinator.ts";
import { type EventOutcome, endsAttempt, type WorkerEvent } from "../../schema/messages/worker-events.ts";
import type { Refusal } from "../domain/refusal.ts";
import { heartbeat, leave, register } from "./health.ts";
import type { Pool } from "./pool.ts";
import { queueBatch } from "./tenants.ts";

type Of<T extends ToCoordinator["type"]> = Extract<ToCoordinator, { type: T }>["payload"];

export async function take(pool: Pool, message: ToCoordinator): Promise<CoordinatorReply> {
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

function registered(pool: Pool, registration: Of<"worker.register">): CoordinatorReply {
  const fenced = register(pool, registration);
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
  for (const event of events) noteAttempt(pool, worker_id, event);
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
function noteAttempt({ ledger }: Pool, workerId: WorkerId, event: WorkerEvent): void {
  const attempt = ledger.find(event);
  if (attempt?.workerId !== workerId) return;
  if (endsAttempt(event)) ledger.end(attempt);
  else if (attempt.state === "sent" || attempt.state === "unconfirmed") attempt.state = "held";
}

async function stored({ deps }: Pool, chunk: Chunk): Promise<CoordinatorReply> {
  const result = await deps.coordinator(chunk.customer_id).putChunk(chunk);
  if (!result.ok) return refused(result.refusal);
  return { type: "checkpoint.stored", payload: { outcome: result.value === "stored" ? "committed" : "fenced" } };
}

async function fetched({ deps }: Pool, request: ChunkRequest): Promise<CoordinatorReply> {
  const result = await deps.coordinator(request.customer_id).getChunk(request);
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
const notNow = unavailable("not written; send it again");
const refused = (refusal: Refusal): CoordinatorReply => unavailable(refusal.kind);

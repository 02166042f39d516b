/** A small agent inside the test: takes what it is assigned, holds it, and ends it when the test says so. */
import { createUser } from "@nats-io/nkeys";
import { connect, jwtAuthenticator, type Msg, type NatsConnection } from "nats.ws";
import { createMint } from "../../functions/broker/credentials.ts";
import { createIdSource, secureRandom, type WorkerId, type WorkloadId } from "../../schema/ids.ts";
import type { Assignment } from "../../schema/messages/assignment.ts";
import { decodeMessage, encodeMessage, protocolVersion } from "../../schema/messages/envelope.ts";
import {
  broadcastSubject,
  commandsSubject,
  eventsSubject,
  statusSubject,
  workerInbox,
} from "../../schema/messages/subjects.ts";
import {
  type CoordinatorReply,
  coordinatorReplySchema,
  type Held,
  type ToCoordinator,
} from "../../schema/messages/to-coordinator.ts";
import { type StopItem, type ToWorker, toWorkerSchema, type WorkerReply } from "../../schema/messages/to-worker.ts";
import type { EventOutcome, WorkerEvent } from "../../schema/messages/worker-events.ts";
import { Occurrences } from "../support/occurrences.ts";
import { bindings, pool as scheduler } from "./world.ts";

const ids = createIdSource(Date.now, secureRandom);
const mint = createMint({
  accountSeed: bindings.NATS_ACCOUNT_SEED,
  account: bindings.NATS_ACCOUNT,
  workerSeconds: bindings.AGENT_CREDENTIAL_SECONDS,
  now: Date.now,
  jwtId: () => ids.message(),
});
const replyMsMax = 20_000;
/** Well within the lease that these tests run with. */
const beatMs = 500;

type Told = WorkerEvent extends infer Event
  ? Event extends WorkerEvent
    ? Omit<Event, "event_id" | "workload_id" | "generation">
    : never
  : never;

export class TestAgent {
  readonly workerId: WorkerId;
  readonly assigned = new Occurrences<Assignment>();
  readonly stopped = new Occurrences<StopItem>();
  /** Answers to registrations: one for each roll call that was heard. */
  readonly registered = new Occurrences<CoordinatorReply>();
  readonly #connection: NatsConnection;
  readonly #pool: string;
  readonly #slots: number;
  readonly #held = new Map<string, Held>();
  #events = 0;
  #beating: ReturnType<typeof setInterval> | undefined;

  private constructor(workerId: WorkerId, connection: NatsConnection, pool: string, slots: number) {
    this.workerId = workerId;
    this.#connection = connection;
    this.#pool = pool;
    this.#slots = slots;
  }

  /** Listens; it registers when the roll is called. */
  static async start(pool: string, slots = 10): Promise<TestAgent> {
    const workerId = ids.worker();
    const agent = new TestAgent(workerId, await enlist(pool, workerId), pool, slots);
    const callback = (_: Error | null, message: Msg) => void agent.#take(message);
    agent.#connection.subscribe(commandsSubject(pool, agent.workerId), { callback });
    agent.#connection.subscribe(broadcastSubject(pool), { callback });
    await agent.#connection.flush();
    agent.#beating = setInterval(() => void agent.#beat(), beatMs);
    return agent;
  }

  /** Listens and is registered. */
  static async enlisted(pool: string, slots = 10): Promise<TestAgent> {
    const agent = await TestAgent.start(pool, slots);
    await scheduler(pool).wake();
    await agent.registered.until(() => true);
    return agent;
  }

  until(workloadId: WorkloadId, generation = 1): Promise<Assignment> {
    return this.assigned.until((one) => one.workload_id === workloadId && one.generation === generation);
  }

  /** Gone without a word, as a killed process is. */
  stop(): Promise<void> {
    clearInterval(this.#beating);
    return this.#connection.close();
  }

  /** Tells until it is answered with an outcome, as a real agent does. */
  async tell(assignment: Assignment, told: Told): Promise<EventOutcome> {
    for (;;) {
      const reply = await this.tryTell(assignment, told);
      const outcome = reply?.type === "events.outcome" ? reply.payload.outcomes[0] : undefined;
      if (outcome === undefined) continue;
      if (told.kind === "completed" || told.kind === "failed") this.#held.delete(assignment.workload_id);
      return outcome;
    }
  }

  /** Tells once; null: nobody listens, or nobody answered. */
  tryTell({ workload_id, generation, customer_id }: Assignment, told: Told): Promise<CoordinatorReply | null> {
    this.#events += 1;
    const event: WorkerEvent = { ...told, event_id: this.#events, workload_id, generation };
    const payload = { worker_id: this.workerId, customer_id, events: [event] };
    return this.#request(eventsSubject(this.#pool, this.workerId), { type: "worker.events", payload });
  }

  async #beat(): Promise<void> {
    const held = [...this.#held.values()];
    const payload = {
      worker_id: this.workerId,
      status: "HEALTHY" as const,
      slots: this.#slots,
      used: held.length,
      held,
    };
    const reply = await this.#request(statusSubject(this.#pool, this.workerId), { type: "worker.heartbeat", payload });
    if (reply?.type === "heartbeat.ack" && reply.payload.register_again) await this.#register();
  }

  async #register(): Promise<void> {
    const payload = {
      worker_id: this.workerId,
      pool: this.#pool,
      capabilities: ["noop"],
      slots: this.#slots,
      tags: {},
      version: "test",
      draining: false,
      held: [...this.#held.values()],
    };
    const reply = await this.#request(eventsSubject(this.#pool, this.workerId), { type: "worker.register", payload });
    if (reply !== null) this.registered.add(reply);
  }

  async #take(message: Msg): Promise<void> {
    const decoded = decodeMessage(message.data, toWorkerSchema);
    if (!decoded.ok) throw new Error(decoded.problem);
    if (decoded.message.type === "roll_call") return this.#register();
    message.respond(encode(this.#answer(decoded.message)));
  }

  #answer(message: ToWorker): WorkerReply {
    if (message.type === "stop") {
      for (const item of message.payload.items) {
        this.#held.delete(item.workload_id);
        this.stopped.add(item);
      }
    }
    if (message.type !== "assign") return { type: "ok", payload: {} };
    const { assignments } = message.payload;
    for (const assignment of assignments) {
      const { customer_id, workload_id, generation } = assignment;
      this.#held.set(workload_id, { customer_id, workload_id, generation });
      this.assigned.add(assignment);
    }
    const answers = assignments.map(({ workload_id, generation }) => ({ workload_id, generation, accepted: true }));
    return { type: "assign.answer", payload: { answers } };
  }

  /** Null: nobody listens, or nobody answered. */
  async #request(subject: string, message: ToCoordinator): Promise<CoordinatorReply | null> {
    const reply = await this.#connection.request(subject, encode(message), { timeout: replyMsMax }).catch(() => null);
    const decoded = reply === null ? null : decodeMessage(reply.data, coordinatorReplySchema);
    return decoded?.ok === true ? decoded.message : null;
  }
}

/** With credentials that are minted here, in workerd, as the Worker does it for whoever enrols. */
function enlist(pool: string, workerId: WorkerId): Promise<NatsConnection> {
  const key = createUser();
  const { jwt } = mint.worker(pool, workerId, key.getPublicKey());
  const authenticator = jwtAuthenticator(jwt, key.getSeed());
  return connect({ servers: bindings.NATS_URL, authenticator, inboxPrefix: workerInbox(pool, workerId) });
}

const encode = ({ type, payload }: { type: string; payload: unknown }): Uint8Array =>
  encodeMessage({
    message_id: ids.message(),
    type,
    version: protocolVersion,
    timestamp: new Date().toISOString(),
    sender_id: "test-agent",
    sender_type: "worker",
    payload,
  });

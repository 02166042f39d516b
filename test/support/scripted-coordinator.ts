/** A tiny coordinator on a real broker: answers by the protocol, and can be told to fence, stay silent or go away. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { Msg, NatsConnection } from "nats.ws";
import { type EnrolBody, enrolBodySchema } from "../../schema/http/agents.ts";
import { createIdSource, secureRandom, type WorkerId } from "../../schema/ids.ts";
import type { Assignment } from "../../schema/messages/assignment.ts";
import { decodeMessage, encodeMessage, protocolVersion } from "../../schema/messages/envelope.ts";
import {
  anyEventsSubject,
  anyStatusSubject,
  broadcastSubject,
  commandsSubject,
  workerInbox,
} from "../../schema/messages/subjects.ts";
import {
  type CoordinatorReply,
  type Held,
  type ToCoordinator,
  toCoordinatorSchema,
} from "../../schema/messages/to-coordinator.ts";
import { type ToWorker, type WorkerReply, workerReplySchema } from "../../schema/messages/to-worker.ts";
import type { EventOutcome, WorkerEvent } from "../../schema/messages/worker-events.ts";
import { connectAsCoordinator, mintOf } from "./broker-client.ts";
import type { TestNats } from "./nats.ts";
import { Occurrences } from "./occurrences.ts";

export const testIds = createIdSource(Date.now, secureRandom);

export type Behaviour = "answer" | "silent" | "unavailable" | "invalid";

type Message<T extends ToCoordinator["type"]> = Extract<ToCoordinator, { type: T }>;

export class ScriptedCoordinator {
  readonly messages = new Occurrences<ToCoordinator>();
  /** Every event of every batch, repeats too. */
  readonly events = new Occurrences<WorkerEvent>();
  /** Events that were answered `committed`, each once. */
  readonly committed = new Occurrences<WorkerEvent>();
  readonly wakes = new Occurrences<unknown>();
  readonly enrolments = new Occurrences<EnrolBody>();
  readonly chunks = new Map<string, string>();
  readonly fenced: Held[] = [];
  leaseMs = 15_000;
  heartbeatMs = 500;
  onEvents: Behaviour = "answer";
  onHeartbeat: Behaviour = "answer";
  /** Status of the reply to whoever enrols; 200: with credentials for so many seconds. */
  onEnrol = 200;
  credentialSeconds = 3_600;
  /** Judges one event before the usual answer. */
  judge: (event: WorkerEvent) => EventOutcome["outcome"] | null = () => null;
  readonly #pool = "default";
  readonly #nats: TestNats;
  readonly #seen = new Set<string>();
  readonly #api: Server;
  #connection: NatsConnection | null = null;

  constructor(nats: TestNats) {
    this.#nats = nats;
    this.#api = createServer((request, response) => void this.#serve(request, response));
  }

  get apiUrl(): string {
    const address = this.#api.address();
    if (address === null || typeof address === "string") throw new Error("the wake endpoint does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Opens the HTTP side only: agents find nobody on the broker. */
  async listenForWakes(): Promise<void> {
    await new Promise<void>((resolve) => this.#api.listen(0, "127.0.0.1", resolve));
  }

  async appear(): Promise<void> {
    const connection = await connectAsCoordinator(this.#nats, { maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    this.#connection = connection;
    const callback = (error: Error | null, message: Msg) => {
      if (error === null) this.#take(message);
    };
    connection.subscribe(anyEventsSubject(this.#pool), { callback });
    connection.subscribe(anyStatusSubject(this.#pool), { callback });
    await connection.flush();
  }

  async disappear(): Promise<void> {
    await this.#connection?.close();
    this.#connection = null;
  }

  async stop(): Promise<void> {
    await this.disappear();
    await new Promise((resolve) => this.#api.close(resolve));
  }

  async command(worker: WorkerId, message: ToWorker): Promise<WorkerReply> {
    const reply = await this.commandRaw(worker, encodeMessage(envelope(message)));
    const decoded = decodeMessage(reply, workerReplySchema);
    if (!decoded.ok) throw new Error(decoded.problem);
    return decoded.message;
  }

  async commandRaw(worker: WorkerId, bytes: Uint8Array): Promise<Uint8Array> {
    if (this.#connection === null) throw new Error("the coordinator is away");
    const subject = commandsSubject(this.#pool, worker);
    return (await this.#connection.request(subject, bytes, { timeout: 10_000 })).data;
  }

  async assign(worker: WorkerId, ...assignments: Assignment[]) {
    const reply = await this.command(worker, { type: "assign", payload: { assignments } });
    if (reply.type !== "assign.answer") throw new Error(`an unexpected answer: ${reply.type}`);
    return reply.payload.answers;
  }

  rollCall(): void {
    this.#connection?.publish(
      broadcastSubject(this.#pool),
      encodeMessage(envelope({ type: "roll_call", payload: {} })),
    );
  }

  untilMessage<T extends ToCoordinator["type"]>(
    type: T,
    matches: (message: Message<T>) => boolean = () => true,
  ): Promise<Message<T>> {
    const hit = (message: ToCoordinator): message is Message<T> =>
      message.type === type && matches(message as Message<T>);
    return this.messages.until(hit) as Promise<Message<T>>;
  }

  untilCommitted<K extends WorkerEvent["kind"]>(kind: K, assignment: Pick<Assignment, "workload_id" | "generation">) {
    const hit = (event: WorkerEvent) =>
      event.kind === kind && event.workload_id === assignment.workload_id && event.generation === assignment.generation;
    return this.committed.until(hit) as Promise<Extract<WorkerEvent, { kind: K }>>;
  }

  kindsOf({ workload_id, generation }: Pick<Assignment, "workload_id" | "generation">): string[] {
    return this.committed.all
      .filter((event) => event.workload_id === workload_id && event.generation === generation)
      .map(({ kind }) => kind);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (request.url === "/v1/agents/enroll") return this.#enrol(enrolBodySchema.parse(JSON.parse(body)), response);
    this.wakes.add({ url: request.url, authorization: request.headers.authorization });
    response.writeHead(202).end();
  }

  #enrol(body: EnrolBody, response: ServerResponse): void {
    const { pool, worker_id, public_key } = body;
    const { jwt, expiresAt } = mintOf(this.#nats, this.credentialSeconds).worker(pool, worker_id, public_key);
    const enrolled = {
      nats_url: this.#nats.url,
      credentials: jwt,
      expires_at: new Date(expiresAt).toISOString(),
      expires_in_seconds: this.credentialSeconds,
      inbox_prefix: workerInbox(pool, worker_id),
    };
    const refusal = { error: { code: "UNAUTHORIZED", message: "not today", details: null, request_id: "test" } };
    response.writeHead(this.onEnrol, { "content-type": "application/json" });
    response.end(JSON.stringify(this.onEnrol === 200 ? enrolled : refusal));
    this.enrolments.add(body);
  }

  #take(message: Msg): void {
    const decoded = decodeMessage(message.data, toCoordinatorSchema);
    const reply: CoordinatorReply | null = decoded.ok
      ? this.#reply(decoded.message)
      : { type: "error", payload: { code: "invalid", message: decoded.problem, retry: false } };
    if (reply !== null) message.respond(encodeMessage(envelope(reply)));
    if (decoded.ok) this.messages.add(decoded.message);
  }

  #reply(message: ToCoordinator): CoordinatorReply | null {
    if (message.type === "worker.heartbeat" && this.onHeartbeat !== "answer") return null;
    if (message.type === "worker.events" && this.onEvents !== "answer") return this.#misbehave(message);
    if (message.type === "worker.register") {
      const payload = { lease_ms: this.leaseMs, heartbeat_ms: this.heartbeatMs, fenced: [...this.fenced] };
      return { type: "registered", payload };
    }
    if (message.type === "worker.heartbeat") {
      return { type: "heartbeat.ack", payload: { fenced: [...this.fenced], register_again: false } };
    }
    if (message.type === "worker.goodbye") return { type: "goodbye.ack", payload: {} };
    return this.#replyToWork(message);
  }

  #replyToWork(
    message: Message<"worker.events" | "worker.checkpoint_chunk" | "worker.fetch_checkpoint">,
  ): CoordinatorReply {
    const { payload } = message;
    if (message.type === "worker.events") {
      return {
        type: "events.outcome",
        payload: { outcomes: message.payload.events.map((event) => this.#settle(event)) },
      };
    }
    if (message.type === "worker.checkpoint_chunk") {
      this.chunks.set(chunkKey(message.payload), message.payload.data);
      return { type: "checkpoint.stored", payload: { outcome: "committed" } };
    }
    if (!("index" in payload)) throw new Error("a chunk without an index");
    const data = this.chunks.get(chunkKey(payload));
    if (data === undefined) return { type: "checkpoint.chunk", payload: { outcome: "refused", data: "" } };
    return { type: "checkpoint.chunk", payload: { outcome: "committed", data } };
  }

  #misbehave(message: Message<"worker.events">): CoordinatorReply | null {
    for (const event of message.payload.events) this.events.add(event);
    if (this.onEvents === "silent") return null;
    const code = this.onEvents === "unavailable" ? ("unavailable" as const) : ("invalid" as const);
    return { type: "error", payload: { code, message: `told to be ${code}`, retry: code === "unavailable" } };
  }

  #settle(event: WorkerEvent): EventOutcome {
    this.events.add(event);
    const key = `${event.workload_id}:${event.generation}:${event.event_id}`;
    const judged = this.judge(event);
    if (judged !== null) return { event_id: event.event_id, outcome: judged };
    if (this.#seen.has(key)) return { event_id: event.event_id, outcome: "duplicate" };
    this.#seen.add(key);
    if (event.kind === "checkpoint" && event.checkpoint.data !== undefined) {
      this.chunks.set(chunkKey({ ...event, sequence: event.checkpoint.sequence, index: 0 }), event.checkpoint.data);
    }
    this.committed.add(event);
    return { event_id: event.event_id, outcome: "committed" };
  }
}

const chunkKey = (chunk: { workload_id: string; sequence: number; index: number }) =>
  `${chunk.workload_id}:${chunk.sequence}:${chunk.index}`;

const envelope = (message: { type: string; payload: unknown }) => ({
  message_id: testIds.message(),
  type: message.type,
  version: protocolVersion as typeof protocolVersion,
  timestamp: new Date().toISOString(),
  sender_id: "scripted-coordinator",
  sender_type: "coordinator" as const,
  payload: message.payload,
});

export const newAssignment = (chosen: Partial<Assignment> = {}): Assignment => ({
  customer_id: testIds.customer(),
  workload_id: testIds.workload(),
  generation: 1,
  workload_type: "noop",
  input: {},
  config: {},
  timeout_seconds: null,
  checkpoint: null,
  checkpoint_interval_sec: 0,
  checkpoint_progress_percent: 0,
  ...chosen,
});

/** A client that watches over a WebSocket, and keeps what it is told. */
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { type LiveMessage, watchFrameSchema } from "../../schema/http/live.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { Occurrences } from "./occurrences.ts";

export interface Watched {
  readonly workloadId?: string;
  readonly cursor?: string;
  /** Else there is none in the address. */
  readonly token?: string;
}

export class Stream {
  readonly messages = new Occurrences<LiveMessage>();
  /** Codes of errors, and the answers to pings. */
  readonly answers = new Occurrences<string>();
  readonly closed = new Occurrences<number>();
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;

  constructor(apiUrl: string, watched: Watched) {
    this.#socket = new WebSocket(watchUrl(apiUrl.replace(/^http/, "ws"), watched));
    this.#socket.addEventListener("message", ({ data }) => this.#take(String(data)));
    this.#socket.addEventListener("close", ({ code }) => this.closed.add(code));
    this.opened = new Promise((resolve) => this.#socket.addEventListener("open", () => resolve()));
  }

  /** Resolves with the first message. */
  static async open(apiUrl: string, watched: Watched): Promise<Stream> {
    const stream = new Stream(apiUrl, watched);
    await stream.messages.until(({ type }) => type === "hello");
    return stream;
  }

  get cursor(): string {
    return this.messages.all.at(-1)?.cursor ?? "";
  }

  say(text: string): void {
    this.#socket.send(text);
  }

  leave(): void {
    this.#socket.close();
  }

  #take(data: string): void {
    const frame = data === "pong" ? data : watchFrameSchema.parse(JSON.parse(data));
    if (frame === "pong") this.answers.add(frame);
    else if (frame.type === "error") this.answers.add(frame.error.code);
    else this.messages.add(frame);
  }
}

function watchUrl(origin: string, { workloadId, ...query }: Watched): URL {
  const url = new URL(workloadId === undefined ? "/v1/ws/workloads" : `/v1/ws/workloads/${workloadId}`, origin);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

/** The status and the body that an upgrade is refused with. */
export async function refusedUpgrade(apiUrl: string, watched: Watched): Promise<{ status: number; body: string }> {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": btoa("0123456789abcdef"),
  };
  const reply = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request(watchUrl(apiUrl, watched), { headers });
    asked.on("response", resolve).on("error", reject);
    asked.on("upgrade", (_, socket) => reject(new Error(`it was upgraded: ${socket.destroy().destroyed}`)));
    asked.end();
  });
  return { status: reply.statusCode ?? 0, body: await text(reply) };
}

/** What an audit event of this type is told as. */
const toldAs: Readonly<Record<string, string>> = {
  "workload.created": "PENDING",
  "workload.scheduled": "SCHEDULED",
  "workload.started": "RUNNING",
  "workload.progress_updated": "RUNNING",
  "workload.checkpoint_created": "checkpoint",
  "workload.completed": "completed",
  "workload.failed": "failed",
  "workload.cancelled": "CANCELLED",
  "workload.handed_back": "REDISTRIBUTING",
  "workload.redistributed": "REDISTRIBUTING",
  "workload.retry_scheduled": "PENDING",
};
export const trailAs = (events: readonly { event_type: string }[]): string[] =>
  events.map(({ event_type }) => toldAs[event_type] ?? event_type);

/** The events among the messages of one workload: those that move the cursor, and are no lines. */
export function eventsIn(messages: readonly LiveMessage[], workloadId: WorkloadId, from: string): string[] {
  let cursor = from;
  return messages.flatMap((message) => {
    const isNew = message.cursor !== cursor;
    cursor = message.cursor;
    if (message.type === "hello" || message.type === "log_line" || !isNew || message.workload_id !== workloadId)
      return [];
    return [message.type === "status_update" ? message.status : message.type];
  });
}

export const linesIn = (messages: readonly LiveMessage[]): string[] =>
  messages.flatMap((message) => (message.type === "log_line" ? [message.message] : []));

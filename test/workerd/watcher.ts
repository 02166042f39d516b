/** A watcher inside the test: a socket at a coordinator, as the Worker asks for it, and all that came over it. */
import { runInDurableObject } from "cloudflare:test";
import { watchHeader } from "../../functions/coordinator/gateway.ts";
import type { Watch } from "../../functions/coordinator/watch.ts";
import { type LiveMessage, watchFrameSchema } from "../../schema/http/live.ts";
import type { CustomerId, WorkloadId } from "../../schema/ids.ts";
import { Occurrences } from "../support/occurrences.ts";
import { coordinator, coordinatorStub } from "./world.ts";

const nobody: Watch = {
  principalId: "key_of_this_test",
  expiresAt: null,
  workloadId: null,
  cursor: null,
  transport: "websocket",
  headers: {},
};

/** What the coordinator answers to the Worker. */
export function askToWatch(customerId: CustomerId, watch: Partial<Watch> = {}): Promise<Response> {
  const header = encodeURIComponent(JSON.stringify({ ...nobody, ...watch }));
  const headers = { upgrade: "websocket", [watchHeader]: header };
  return coordinatorStub(customerId).fetch("https://coordinator/watch", { headers });
}

export const socketsOf = (customerId: CustomerId): Promise<number> =>
  runInDurableObject(coordinatorStub(customerId), (_, state) => state.getWebSockets().length);

export const alarmOf = (customerId: CustomerId): Promise<number | null> =>
  runInDurableObject(coordinatorStub(customerId), (_, { storage }) => storage.getAlarm());

export async function cancelled(customerId: CustomerId, workloadId: WorkloadId): Promise<void> {
  const action = { kind: "cancel", reason: null } as const;
  const actor = { type: "user", id: "test" } as const;
  const request = { action, targets: { ids: [workloadId] }, actor, idempotency: null };
  const answer = await coordinator(customerId).operate(request);
  if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer.refusal)}`);
}

export class TestWatcher {
  readonly messages = new Occurrences<LiveMessage>();
  /** Codes of errors, and the answers to pings. */
  readonly answers = new Occurrences<string>();
  readonly closed = new Occurrences<{ code: number; reason: string }>();
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#take(String(data)));
    socket.addEventListener("close", ({ code, reason }) => this.closed.add({ code, reason }));
    socket.accept();
  }

  static async open(customerId: CustomerId, watch: Partial<Watch> = {}): Promise<TestWatcher> {
    const { webSocket, status } = await askToWatch(customerId, watch);
    if (webSocket === null) throw new Error(`no socket, but ${status}`);
    const watcher = new TestWatcher(webSocket);
    await watcher.messages.until(({ type }) => type === "hello");
    return watcher;
  }

  /** What it was told after `hello`, in short: the status, or the type of the message. */
  get told(): string[] {
    return this.messages.all.slice(1).map(shortOf);
  }

  get cursor(): string {
    return this.messages.all.at(-1)?.cursor ?? "";
  }

  until(short: string): Promise<LiveMessage> {
    return this.messages.until((message) => shortOf(message) === short);
  }

  say(text: string): void {
    this.#socket.send(text);
  }

  leave(): void {
    this.#socket.close(1000, "enough");
  }

  #take(data: string): void {
    const frame = data === "pong" ? data : watchFrameSchema.parse(JSON.parse(data));
    if (frame === "pong") this.answers.add(frame);
    else if (frame.type === "error") this.answers.add(frame.error.code);
    else this.messages.add(frame);
  }
}

const shortOf = (message: LiveMessage): string => (message.type === "status_update" ? message.status : message.type);

/** One socket that watches: what it was told already, and how it is told more. */
import { closeCodes, type LiveError } from "../../schema/http/live.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { watchNonsenseMax } from "../../schema/limits.ts";
import type { LiveNews, LivePlace } from "../domain/live.ts";
import { cursorOf, type WatcherState, watcherStateSchema } from "./watch.ts";

/** The server's end of a WebSocket, as it is used here; the runtime keeps it and its attachment through an eviction. */
export interface WatchSocket {
  send(text: string): void;
  close(code: number, reason: string): void;
  serializeAttachment(state: unknown): void;
  deserializeAttachment(): unknown;
}

export class Watcher {
  readonly #socket: WatchSocket;
  readonly #now: () => number;
  /** When it began; milliseconds. */
  readonly since: number;
  #state: WatcherState;
  #isOpen = true;

  constructor(socket: WatchSocket, state: WatcherState, now: () => number, since = now()) {
    this.#socket = socket;
    this.#state = state;
    this.#now = now;
    this.since = since;
  }

  /** One that was there before the object was evicted. */
  static awake(socket: WatchSocket, now: () => number): Watcher {
    return new Watcher(socket, watcherStateSchema.parse(socket.deserializeAttachment()), now, 0);
  }

  get state(): WatcherState {
    return this.#state;
  }

  /** Told, or given up; nothing more can be sent. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether its credentials have expired; it is told so, and nothing else. */
  endIfExpired(): boolean {
    const { expiresAt } = this.#state;
    if (expiresAt === null || expiresAt > this.#now()) return false;
    this.end(closeCodes.unauthorized, "expired");
    return true;
  }

  expireAt(at: number): void {
    this.#state = { ...this.#state, expiresAt: at };
    this.keep();
  }

  /** Told up to `place`; `text` null: what happened there is nothing that a stream tells of. */
  tell(text: string | null, place: LivePlace): void {
    this.#state = { ...this.#state, place };
    if (text !== null) this.#send(text);
  }

  /** From here on it is only told what is left. */
  isOver(): void {
    this.#state = { ...this.#state, over: true };
  }

  /** To be called after what was told, so that an eviction forgets none of it. */
  keep(): void {
    if (this.#isOpen) this.#socket.serializeAttachment(this.#state);
  }

  /** A client has nothing to say here; one that goes on talking is sent away. */
  hear(): void {
    this.#state = { ...this.#state, nonsense: this.#state.nonsense + 1 };
    if (this.#state.nonsense > watchNonsenseMax) this.end(closeCodes.nonsense, "nothing is expected here");
    this.#send(nothingExpected);
    this.keep();
  }

  end(code: number, reason: string): void {
    this.#try(() => this.#socket.close(code, reason));
    this.#isOpen = false;
  }

  /** The one way out, so nobody is told anything with credentials that expired while it was read. */
  #send(text: string): void {
    if (!this.endIfExpired()) this.#try(() => this.#socket.send(text));
  }

  /** A socket whose client has gone throws until the runtime says so; its news are read again with its next cursor. */
  #try(act: () => void): void {
    if (!this.#isOpen) return;
    try {
      act();
    } catch {
      this.#isOpen = false;
    }
  }
}

/** Closes this end too, once the client has closed its own; false: nobody is left to answer. */
export function letGo(socket: WatchSocket): boolean {
  try {
    socket.close(closeCodes.ended, "left");
    return true;
  } catch {
    return false;
  }
}

/** A message as it is sent: the same text for all who watch the same and stand at the same place. */
export const textOf = (workloadId: WorkloadId | null, news: LiveNews, place: LivePlace): string =>
  JSON.stringify({ ...news, cursor: cursorOf(workloadId, place) });

const problem: LiveError["error"] = {
  code: "INVALID_INPUT",
  message: "nothing is expected here but ping",
  details: null,
};
const nothingExpected = JSON.stringify({ type: "error", error: problem });

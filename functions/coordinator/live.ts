/** Live updates of one customer: hears of each commit, reads on in Postgres, and tells who watches; at rest it does nothing. */
import { closeCodes } from "../../schema/http/live.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { liveRetryMs, watchersMax } from "../../schema/limits.ts";
import { isTerminal } from "../../schema/status.ts";
import { earliest } from "../domain/earliest.ts";
import { progressNews } from "../domain/live.ts";
import { isBehind } from "../domain/live-order.ts";
import type { Refusal } from "../domain/refusal.ts";
import type { Change } from "../domain/workload.ts";
import type { LiveStart, LiveStore } from "../store/live-store.ts";
import { type Arrival, Arrivals } from "./arrivals.ts";
import { LiveProgress, type ProgressMade } from "./live-progress.ts";
import { readOn, type Turn } from "./live-reader.ts";
import type { CoordinatorDeps } from "./session.ts";
import { placeOf, type Watch, type WatcherState } from "./watch.ts";
import { letGo, textOf, Watcher, type WatchSocket } from "./watcher.ts";
import { Watchers } from "./watchers.ts";

export interface LiveDeps extends Pick<CoordinatorDeps, "customerId" | "now" | "log" | "wakeBy" | "background"> {
  readonly store: LiveStore;
}

/** `ended`: a stream of events that has told all there is. */
export type Opening =
  | { readonly kind: "begun" | "ended" | "bad_cursor" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

const suspended = "suspended";
const refused = (refusal: Refusal): Opening => ({ kind: "refused", refusal });

export class LiveUpdates {
  readonly #deps: LiveDeps;
  readonly #watchers: Watchers;
  readonly #progress = new LiveProgress();
  readonly #arrivals = new Arrivals();
  /** Those for whom there may be something to read. */
  readonly #due = new Set<Watcher>();
  #isReading = false;
  /** A key may have been ended by a write whose answer was lost. */
  #keysInDoubt = false;
  /** Of the customer, as far as this object remembers: one that comes while a stream is opened is for that stream, too. */
  #suspensions = 0;

  /** `sockets`: those that were accepted before the object was evicted. */
  constructor(deps: LiveDeps, sockets: Iterable<WatchSocket>) {
    this.#deps = deps;
    this.#watchers = new Watchers(sockets, deps.now);
  }

  /** Decides about a watcher, and begins with the socket that `accept` gives. Throws StoreUnavailable. */
  async open(watch: Watch, accept: () => WatchSocket): Promise<Opening> {
    if (this.#count >= watchersMax) return refused({ kind: "watchers_full", watchersMax });
    return this.#arrivals.during(watch.principalId, (arrival) => this.#admit(watch, arrival, accept));
  }

  /** With those that are being opened. */
  get #count(): number {
    return this.#watchers.count + this.#arrivals.count;
  }

  async #admit(watch: Watch, arrival: Arrival, accept: () => WatchSocket): Promise<Opening> {
    const { store, customerId } = this.#deps;
    const { principalId, workloadId } = watch;
    const from = placeOf(watch);
    if (from === "bad_cursor") return { kind: "bad_cursor" };
    const suspensions = this.#suspensions;
    const start = await store.liveStart(customerId, workloadId, principalId);
    if (start === null) return refused({ kind: workloadId === null ? "unknown_customer" : "unknown_workload" });
    if (start.suspended || suspensions !== this.#suspensions) return refused({ kind: "customer_suspended" });
    const expiresAt = earliest(watch.expiresAt, start.keyEndsAt, arrival.endsAt);
    if (expiresAt !== null && expiresAt <= this.#deps.now()) return refused({ kind: "unknown_customer" });
    const over = start.workload !== null && isTerminal(start.workload.status);
    const hasNews = from === null || isBehind(from, start.place);
    if (over && !hasNews && watch.transport === "events") return { kind: "ended" };
    const state = { principalId, expiresAt, workloadId, place: from ?? start.place, over, nonsense: 0 };
    this.#begin(accept(), state, helloOf(state, from === null ? start : null));
    return { kind: "begun" };
  }

  /** From when on it is told; what was committed since it was opened is read at once. */
  #begin(socket: WatchSocket, state: WatcherState, hello: string): void {
    const watcher = new Watcher(socket, state, this.#deps.now);
    watcher.tell(hello, state.place);
    watcher.keep();
    this.#watchers.add(socket, watcher);
    if (state.expiresAt !== null) this.#deps.wakeBy(state.expiresAt);
    this.#due.add(watcher);
    this.#readSoon();
  }

  /** Something was committed: of these workloads, and of all for those who watch all. */
  notice(ids: Iterable<WorkloadId>): void {
    if (this.#watchers.count === 0) return;
    for (const watcher of this.#watchers.of(null)) this.#due.add(watcher);
    for (const id of ids) for (const watcher of this.#watchers.of(id)) this.#due.add(watcher);
    this.#readSoon();
  }

  noticeChanges(changes: readonly Change[], logged: readonly WorkloadId[]): void {
    if (this.#watchers.count === 0) {
      this.#progress.forgetAll();
      return;
    }
    for (const change of changes) this.#progress.notice(change, this.#deps.now());
    const audited = changes.filter(({ audit }) => audit.length > 0).map(({ next }) => next.workloadId);
    for (const id of logged) for (const watcher of this.#watchers.of(id)) this.#due.add(watcher);
    if (audited.length > 0) this.notice(audited);
    this.#readSoon();
  }

  /** What was committed is not known: all read on from where they are, as far as their keys have not ended. */
  noticeAll(): void {
    this.#keysInDoubt = this.#count > 0;
    for (const watcher of this.#watchers.all()) this.#due.add(watcher);
    this.#readSoon();
  }

  hear(socket: WatchSocket): void {
    this.#watchers.by(socket)?.hear();
    this.#watchers.forgetClosed();
  }

  /** Its close is answered, also where it is no watcher any more: until then the runtime keeps the line. */
  left(socket: WatchSocket): void {
    this.#watchers.by(socket)?.end(closeCodes.ended, "left");
    this.#watchers.remove(socket);
    letGo(socket);
  }

  /** What is watched with this key ends with it, at once or later. */
  endKey(keyId: string, at: number): void {
    this.#arrivals.endKey(keyId, at);
    if (at <= this.#deps.now()) {
      this.close(keyId, closeCodes.unauthorized, "revoked");
      return;
    }
    const watchers = this.#watchers.all().filter(({ state }) => state.principalId === keyId);
    for (const watcher of watchers) watcher.expireAt(Math.min(watcher.state.expiresAt ?? at, at));
    if (watchers.length > 0) this.#deps.wakeBy(at);
  }

  /** The customer is suspended: what anybody watches ends, and what is being opened is not begun. */
  endAll(): void {
    this.#suspensions += 1;
    this.close(null, closeCodes.forbidden, suspended);
  }

  /** Of one principal; null: of all. */
  close(principalId: string | null, code: number, reason: string): void {
    for (const watcher of this.#watchers.all())
      if (principalId === null || watcher.state.principalId === principalId) watcher.end(code, reason);
    this.#watchers.forgetClosed();
  }

  /** Ends what has expired, and reads on where a database did not answer. */
  keepTime(): void {
    this.#endExpired(this.#watchers.all());
    const next = Math.min(...this.#watchers.all().map(({ state }) => state.expiresAt ?? Number.POSITIVE_INFINITY));
    if (Number.isFinite(next)) this.#deps.wakeBy(next);
    this.#readSoon();
  }

  #endExpired(watchers: readonly Watcher[]): void {
    for (const watcher of watchers) watcher.endIfExpired();
    this.#watchers.forgetClosed();
  }

  get #hasToRead(): boolean {
    return this.#keysInDoubt || this.#due.size > 0 || this.#progress.hasNews;
  }

  #readSoon(): void {
    if (this.#isReading || !this.#hasToRead) return;
    this.#isReading = true;
    this.#deps.background(this.#read());
  }

  /** Beside the lane, one at a time: what is committed meanwhile is read in the next turn. */
  async #read(): Promise<void> {
    try {
      while (this.#hasToRead) await this.#turn();
    } catch (error) {
      this.#keysInDoubt = true; // nobody knows for how long it was away
      this.#deps.log.warn({ err: error, customer_id: this.#deps.customerId }, "live updates wait for the database");
      this.#deps.wakeBy(this.#deps.now() + liveRetryMs);
    } finally {
      this.#isReading = false;
    }
  }

  async #turn(): Promise<void> {
    if (this.#keysInDoubt) await this.#lookAtKeys();
    const due = [...this.#due];
    this.#due.clear();
    this.#endExpired(due);
    const progress = this.#progress.take();
    const turn = await this.#readFor(due.filter(({ isOpen }) => isOpen));
    for (const watcher of turn.behind) this.#due.add(watcher);
    for (const made of progress.values()) this.#tellProgress(made, turn);
    this.#watchers.forgetClosed();
  }

  async #lookAtKeys(): Promise<void> {
    const { store, customerId } = this.#deps;
    this.#keysInDoubt = false;
    const watching = this.#watchers.all().map(({ state }) => state.principalId);
    const keys = new Set([...watching, ...this.#arrivals.principals]);
    if (keys.size === 0) return;
    for (const [keyId, at] of await store.keyEnds(customerId, [...keys])) this.endKey(keyId, at);
  }

  async #readFor(watchers: readonly Watcher[]): Promise<Turn> {
    try {
      return await readOn(this.#deps, watchers);
    } catch (error) {
      for (const watcher of watchers) this.#due.add(watcher);
      throw error;
    }
  }

  /**
   * To all who were told what came before it, and nothing of what came after: an event that was decided later may have been
   * read in this turn, and one who has just begun may have been greeted with a later state.
   */
  #tellProgress({ workload, at }: ProgressMade, { behind, newest }: Turn): void {
    if ((newest.get(workload.workloadId) ?? 0) > at) return;
    const watchers = [...this.#watchers.of(workload.workloadId), ...this.#watchers.of(null)];
    for (const watcher of watchers) {
      const { workloadId, place } = watcher.state;
      if (behind.has(watcher) || watcher.since > at) continue;
      watcher.tell(textOf(workloadId, progressNews(workload, at), place), place);
    }
  }
}

/** Who comes with a cursor knows where the workload stood, and is told what came after. */
const helloOf = ({ workloadId, place }: WatcherState, start: LiveStart | null): string =>
  textOf(workloadId, { type: "hello", workload: start?.workload ?? null }, place);

/** Live updates over the memory store: who is told what, once, and in which order. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { LiveUpdates, type Opening } from "../../../functions/coordinator/live.ts";
import type { Watch } from "../../../functions/coordinator/watch.ts";
import { watchedStore } from "../../../functions/coordinator/watched-store.ts";
import type { WatchSocket } from "../../../functions/coordinator/watcher.ts";
import { createMemoryStore } from "../../../functions/store/memory/memory-store.ts";
import { type Lead, type StateStore, StoreUnavailable } from "../../../functions/store/store.ts";
import { createLog } from "../../../functions/telemetry/log.ts";
import { type LiveMessage, liveMessageSchema } from "../../../schema/http/live.ts";
import type { KeyId } from "../../../schema/ids.ts";
import { liveEventsPageMax, watchersMax } from "../../../schema/limits.ts";
import { limitsOf } from "../../../schema/tiers.ts";
import {
  auditEntry,
  completed,
  groupOf,
  ids,
  newSubmission,
  scheduledOn,
  started,
  stepTo,
  t0,
} from "../../support/records.ts";

/** The server's end, with what went over it. */
class RecordingSocket implements WatchSocket {
  readonly messages: LiveMessage[] = [];
  errors = 0;
  closed: number | null = null;
  #attachment: unknown = null;

  send(text: string): void {
    if (this.closed !== null) throw new Error("it is closed");
    const message = liveMessageSchema.safeParse(JSON.parse(text));
    if (message.success) this.messages.push(message.data);
    else this.errors += 1;
  }
  close(code: number): void {
    this.closed = code;
  }
  serializeAttachment(state: unknown): void {
    this.#attachment = structuredClone(state);
  }
  deserializeAttachment(): unknown {
    return this.#attachment;
  }
  get told(): string[] {
    return this.messages.map((message) => (message.type === "status_update" ? message.status : message.type));
  }
  get cursor(): string {
    return this.messages.at(-1)?.cursor ?? "";
  }
}

class Stage {
  now = t0;
  isAway = false;
  reads = 0;
  /** How much later it is after a read; milliseconds. */
  readTakes = 0;
  /** How often it was asked which keys have ended. */
  looks = 0;
  /** What happens between the answer of the database and its arrival, where a stream is opened. */
  meanwhile = async (): Promise<void> => undefined;
  readonly customerId = ids.customer();
  readonly wakes: number[] = [];
  readonly memory = createMemoryStore();
  live: LiveUpdates;
  store: StateStore;
  lead: Lead | null = null;
  readonly #background: Promise<unknown>[] = [];

  constructor() {
    const limits = limitsOf("standard", {});
    const customer = { customerId: this.customerId, tier: "standard" as const, limits, types: new Map() };
    this.memory.putCustomer({ ...customer, suspended: false });
    this.live = this.#begin([]);
    this.store = watchedStore(this.memory, this.live);
  }

  #begin(sockets: readonly WatchSocket[]): LiveUpdates {
    const counted = async <T>(read: () => Promise<T>): Promise<T> => {
      this.reads += 1;
      if (this.isAway) throw new StoreUnavailable("the database is away");
      const news = await read();
      this.now += this.readTakes;
      return news;
    };
    const { memory } = this;
    const deps = {
      customerId: this.customerId,
      now: () => this.now,
      log: createLog({ level: "silent", clock: () => this.now, write: () => undefined }),
      wakeBy: (at: number) => void this.wakes.push(at),
      background: (work: Promise<unknown>) => void this.#background.push(work),
      store: {
        ...memory,
        eventsAfter: (...asked: Parameters<StateStore["eventsAfter"]>) => counted(() => memory.eventsAfter(...asked)),
        newsAfter: (...asked: Parameters<StateStore["newsAfter"]>) => counted(() => memory.newsAfter(...asked)),
        liveStart: async (...asked: Parameters<StateStore["liveStart"]>) => {
          const start = await memory.liveStart(...asked);
          await this.meanwhile();
          return start;
        },
        keyEnds: async (...asked: Parameters<StateStore["keyEnds"]>) => {
          this.looks += 1;
          if (this.isAway) throw new StoreUnavailable("the database is away");
          return memory.keyEnds(...asked);
        },
      },
    };
    return new LiveUpdates(deps, sockets);
  }

  /** The object comes back to mind with the sockets it had. */
  evict(...sockets: readonly WatchSocket[]): void {
    this.live = this.#begin(sockets);
    this.store = watchedStore(this.memory, this.live);
  }

  async leads(): Promise<Lead> {
    const state = await this.store.lead(this.customerId, 10, this.now);
    if (state === null) throw new Error("the customer is gone");
    this.lead = state.lead;
    return state.lead;
  }

  async submitted(count = 1) {
    const submissions = Array.from({ length: count }, () => newSubmission());
    await this.store.insert(this.lead ?? (await this.leads()), [groupOf(submissions)], this.now);
    return submissions.map(({ workload }) => workload);
  }

  async apply(...asked: Parameters<StateStore["apply"]> extends [Lead, ...infer Rest] ? Partial<Rest> : never) {
    const [changes = [], logs = []] = asked;
    this.now += 1;
    const written = await this.store.apply(this.lead ?? (await this.leads()), changes, logs, this.now);
    await this.settled();
    return written;
  }

  open(watch: Partial<Watch>, socket = new RecordingSocket()): Promise<Opening> {
    const nobody = { principalId: "key", expiresAt: null, workloadId: null, cursor: null, headers: {} };
    return this.live.open({ ...nobody, transport: "websocket", ...watch }, () => socket);
  }

  async watch(watch: Partial<Watch> = {}): Promise<RecordingSocket> {
    const socket = new RecordingSocket();
    const opening = await this.open(watch, socket);
    if (opening.kind !== "begun") throw new Error(`not begun: ${opening.kind}`);
    await this.settled();
    return socket;
  }

  key(): KeyId {
    const keyId = ids.key();
    const [keyHash, ends] = [ids.message(), { expiresAt: null, revokedAt: null }];
    this.memory.addKey({ keyId, customerId: this.customerId, keyHash, scopes: [], ...ends });
    return keyId;
  }

  /** Committed, and no more is heard of it here. */
  async revokedUnheard(keyId: KeyId): Promise<void> {
    await this.memory.revokeKey(this.lead ?? (await this.leads()), keyId, this.now);
  }

  async replacedUnheard(keyId: KeyId, expiresAt: number): Promise<void> {
    const times = { created_at: new Date(t0).toISOString(), expires_at: null, revoked_at: null, last_used_at: null };
    const key = { key_id: ids.key(), name: "", scopes: [], ...times };
    const added = { key, keyHash: ids.message() };
    await this.memory.issueKey(this.lead ?? (await this.leads()), added, { keyId, expiresAt }, null, this.now);
  }

  async settled(): Promise<void> {
    while (this.#background.length > 0) await Promise.all(this.#background.splice(0));
  }
}

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

async function running() {
  const [workload] = await stage.submitted();
  if (workload === undefined) throw new Error("nothing was submitted");
  const placed = scheduledOn(workload);
  const begun = started(placed.next);
  await stage.apply([placed]);
  await stage.apply([begun]);
  return begun.next;
}

const keyOver = { kind: "refused", refusal: { kind: "unknown_customer" } };
const completedAudit = [auditEntry("workload.completed", { generation: 1 })];
const line = (number: number) => ({
  line: number,
  timestamp: new Date(t0).toISOString(),
  level: "info" as const,
  message: "",
});
const progress = (percent: number) => ({ progressPercent: percent, progressMessage: null });

describe("a stream", () => {
  it("says where the workload stands, tells what happens in order, and ends with it", async () => {
    const workload = await running();
    const socket = await stage.watch({ workloadId: workload.workloadId });
    const logs = [{ workloadId: workload.workloadId, generation: 1, lines: [line(1), line(2)] }];
    await stage.apply([], logs);
    await stage.apply([completed(workload, { result: { x: 1 }, audit: completedAudit })]);
    expect(socket.told).toEqual(["hello", "log_line", "log_line", "completed"]);
    expect(socket.messages[0]).toMatchObject({ workload: { status: "RUNNING" } });
    expect(socket.messages[3]).toMatchObject({ result_data: { x: 1 } });
    expect(socket.closed).toBe(1000);
  });

  it("goes on after its cursor with all that was missed, and nothing else", async () => {
    const workload = await running();
    const first = await stage.watch();
    const second = await stage.watch({ cursor: first.cursor });
    await stage.submitted();
    await stage.apply([completed(workload, { audit: completedAudit })]);
    expect(second.told).toEqual(["hello", "PENDING", "completed"]);
    const third = await stage.watch({ cursor: second.messages[1]?.cursor ?? "" });
    expect(third.told).toEqual(["hello", "completed"]);
    const whole = await stage.watch({ workloadId: workload.workloadId, cursor: null });
    expect([whole.told, whole.closed]).toEqual([["hello"], 1000]);
  });

  it("of events is not begun where there is nothing left to tell", async () => {
    const workload = await running();
    const socket = await stage.watch({ workloadId: workload.workloadId });
    await stage.apply([completed(workload, { audit: completedAudit })]);
    const watch = { workloadId: workload.workloadId, transport: "events" } as const;
    expect((await stage.open({ ...watch, cursor: socket.cursor })).kind).toBe("ended");
    expect((await stage.open({ ...watch, cursor: socket.messages[0]?.cursor ?? "" })).kind).toBe("begun");
  });

  it("takes no cursor of another stream", async () => {
    const [one, other] = [await running(), await running()];
    const socket = await stage.watch({ workloadId: one.workloadId });
    for (const cursor of [socket.cursor, "", "nonsense", "WyJsaXZlIl0"]) {
      expect(await stage.open({ workloadId: other.workloadId, cursor })).toEqual({ kind: "bad_cursor" });
      expect(await stage.open({ cursor })).toEqual({ kind: "bad_cursor" });
    }
  });

  it("of a workload that is not there is refused", async () => {
    expect(await stage.open({ workloadId: ids.workload() })).toMatchObject({ refusal: { kind: "unknown_workload" } });
  });

  it("that is far behind keeps no other waiting, and misses nothing", async () => {
    const count = liveEventsPageMax * 2 + 1;
    const begin = await stage.watch();
    await stage.submitted(count);
    await stage.settled();
    const late = await stage.watch({ cursor: begin.messages[0]?.cursor ?? "" });
    await stage.submitted();
    await stage.settled();
    for (const { messages } of [begin, late]) {
      expect(messages).toHaveLength(count + 2);
      expect(new Set(messages.map(({ cursor }) => cursor)).size).toBe(count + 2);
    }
  });

  it("survives an eviction with its place", async () => {
    const workload = await running();
    const socket = await stage.watch({ workloadId: workload.workloadId });
    stage.evict(socket);
    await stage.apply([completed(workload, { audit: completedAudit })]);
    expect(socket.told).toEqual(["hello", "completed"]);
  });

  it("that expires, or whose key is revoked, ends; and so does every one of a suspended customer", async () => {
    const expiring = await stage.watch({ expiresAt: t0 + 1_000 });
    const [revoked, last] = [await stage.watch({ principalId: "one" }), await stage.watch({ principalId: "two" })];
    expect(stage.wakes).toContain(t0 + 1_000);
    stage.live.close("one", 4401, "revoked");
    stage.now = t0 + 1_000;
    stage.live.keepTime();
    expect([expiring.closed, revoked.closed, last.closed]).toEqual([4401, 4401, null]);
    const customer = { customerId: stage.customerId, tier: "standard" as const, limits: limitsOf("standard", {}) };
    stage.memory.putCustomer({ ...customer, types: new Map(), suspended: true });
    await stage.leads();
    expect(last.closed).toBe(4403);
  });

  it("of a suspended customer is refused, whenever it is suspended while the stream is opened", async () => {
    const meanwhile = stage.open({});
    stage.live.endAll();
    const refused = { kind: "refused", refusal: { kind: "customer_suspended" } };
    expect(await meanwhile).toEqual(refused);
    expect((await stage.open({})).kind).toBe("begun");
    const customer = { customerId: stage.customerId, tier: "standard" as const, limits: limitsOf("standard", {}) };
    stage.memory.putCustomer({ ...customer, types: new Map(), suspended: true });
    expect(await stage.open({})).toEqual(refused);
  });

  it("ends when its key does: one that is replaced goes on for the overlap", async () => {
    const [replaced, other] = [await stage.watch({ principalId: "one" }), await stage.watch({ principalId: "two" })];
    stage.live.endKey("one", t0 + 5_000);
    expect(stage.wakes).toContain(t0 + 5_000);
    stage.evict(replaced, other);
    stage.now = t0 + 4_999;
    stage.live.keepTime();
    expect(replaced.closed).toBeNull();
    stage.now = t0 + 5_000;
    stage.live.keepTime();
    expect([replaced.closed, other.closed]).toEqual([4401, null]);
  });

  it("is not begun with a key that has just been revoked, by who remembers it still", async () => {
    const keyId = stage.key();
    stage.meanwhile = async () => stage.live.endKey(keyId, stage.now);
    expect(await stage.open({ principalId: keyId })).toEqual(keyOver);
    stage.meanwhile = async () => undefined;
    await stage.watch({ principalId: keyId });
    await stage.revokedUnheard(keyId);
    stage.evict();
    expect(await stage.open({ principalId: keyId })).toEqual(keyOver);
  });

  it("ends when its key was revoked by a write that nobody had an answer of, as soon as a new session begins", async () => {
    const keyId = stage.key();
    const [revoked, other] = [
      await stage.watch({ principalId: keyId }),
      await stage.watch({ principalId: stage.key() }),
    ];
    await stage.revokedUnheard(keyId);
    await stage.leads();
    await stage.settled();
    expect([revoked.closed, other.closed]).toEqual([4401, null]);
  });

  it("ends with the overlap of a key that was replaced by such a write, begun before it or after", async () => {
    const keyId = stage.key();
    const before = await stage.watch({ principalId: keyId });
    await stage.replacedUnheard(keyId, t0 + 5_000);
    await stage.leads();
    await stage.settled();
    const after = await stage.watch({ principalId: keyId });
    expect(stage.wakes.filter((at) => at === t0 + 5_000)).toHaveLength(2);
    stage.now = t0 + 5_000;
    stage.live.keepTime();
    expect([before.closed, after.closed]).toEqual([4401, 4401]);
  });

  it("is not begun when a new session finds its key revoked while it is opened", async () => {
    const keyId = stage.key();
    stage.meanwhile = async () => {
      await stage.revokedUnheard(keyId);
      await stage.leads();
      await stage.settled();
    };
    expect(await stage.open({ principalId: keyId })).toEqual(keyOver);
  });

  it("is told nothing more with a key that was revoked while the database was away", async () => {
    const workload = await running();
    const keyId = stage.key();
    const socket = await stage.watch({ principalId: keyId });
    stage.isAway = true;
    await stage.apply([completed(workload, { audit: completedAudit })]);
    await stage.revokedUnheard(keyId);
    stage.isAway = false;
    stage.live.keepTime();
    await stage.settled();
    expect([socket.told, socket.closed]).toEqual([["hello"], 4401]);
  });

  it("is told nothing that was read only after its credentials had expired", async () => {
    await stage.leads();
    const socket = await stage.watch({ expiresAt: t0 + 100 });
    stage.readTakes = 100;
    await stage.submitted();
    await stage.settled();
    expect([socket.told, socket.closed]).toEqual([["hello"], 4401]);
  });

  it("is told neither progress nor errors once its credentials have expired", async () => {
    const workload = await running();
    const watch = { expiresAt: t0 + 100 };
    const [progressed, talking] = [await stage.watch(watch), await stage.watch(watch)];
    stage.now = t0 + 100;
    stage.live.hear(talking);
    await stage.apply([stepTo(workload, "RUNNING", progress(5), { audit: [] })]);
    for (const socket of [progressed, talking])
      expect([socket.told, socket.errors, socket.closed]).toEqual([["hello"], 0, 4401]);
  });

  it("is let go when its client has left, also where it is no watcher any more", async () => {
    const [leaving, ended] = [await stage.watch(), await stage.watch({ principalId: "one" })];
    stage.live.close("one", 4401, "revoked");
    ended.closed = null;
    for (const socket of [leaving, ended]) stage.live.left(socket);
    expect([leaving.closed, ended.closed]).toEqual([1000, 1000]);
  });

  it("ends when another coordinator leads", async () => {
    await stage.leads();
    const socket = await stage.watch();
    await stage.memory.lead(stage.customerId, 10, t0);
    await stage.apply([]);
    expect(socket.closed).toBe(1012);
  });
});

describe("a write that may end streams", () => {
  it("is given up when its answer does not come in time, so that a new session looks what became of it", async () => {
    const lead = await stage.leads();
    const never = () => new Promise<never>(() => undefined);
    const silent: StateStore = { ...stage.memory, issueKey: never, revokeKey: never, putTerms: never };
    const deaf = watchedStore(silent, stage.live);
    const terms = { name: "", tier: "standard" as const, overrides: {}, suspended: true };
    const key = { key_id: ids.key(), name: "", scopes: [], created_at: "", expires_at: null };
    const added = { key: { ...key, revoked_at: null, last_used_at: null }, keyHash: "" };
    vi.useFakeTimers();
    const writes = Promise.allSettled([
      deaf.issueKey(lead, added, null, null, t0),
      deaf.revokeKey(lead, ids.key(), t0),
      deaf.putTerms(lead, terms, t0),
    ]);
    vi.runAllTimers();
    vi.useRealTimers();
    expect(await writes).toMatchObject(Array(3).fill({ reason: expect.any(StoreUnavailable) }));
  });
});

describe("as many streams as a customer may have", () => {
  const full = { kind: "refused", refusal: { kind: "watchers_full", watchersMax } };
  /** All but one. */
  const crowded = async () => {
    const first = await stage.watch();
    const sockets = Array.from({ length: watchersMax - 1 }, () => {
      const socket = new RecordingSocket();
      socket.serializeAttachment(first.deserializeAttachment());
      return socket;
    });
    stage.evict(...sockets);
  };

  it("are not passed by those that come at once: there is one more, and then none", async () => {
    await crowded();
    const openings = await Promise.all(Array.from({ length: 50 }, () => stage.open({})));
    expect(openings).toEqual([{ kind: "begun" }, ...Array(49).fill(full)]);
    expect(await stage.open({})).toEqual(full);
  });

  it("do not count who was not let in, for whatever reason", async () => {
    await crowded();
    expect(await stage.open({ cursor: "nonsense" })).toEqual({ kind: "bad_cursor" });
    expect(await stage.open({ expiresAt: stage.now })).toEqual(keyOver);
    expect(await stage.open({ workloadId: ids.workload() })).toMatchObject({ kind: "refused" });
    stage.meanwhile = () => Promise.reject(new StoreUnavailable("the database is away"));
    await expect(stage.open({})).rejects.toThrow(StoreUnavailable);
    stage.meanwhile = async () => undefined;
    expect(await stage.open({})).toEqual({ kind: "begun" });
    expect(await stage.open({})).toEqual(full);
  });
});

describe("reading on", () => {
  it("costs nothing while nobody watches, nor for what nobody watches", async () => {
    const [one, other] = [await running(), await running()];
    expect(stage.reads).toBe(0);
    await stage.watch({ workloadId: one.workloadId });
    const before = stage.reads;
    await stage.apply([completed(other, { audit: completedAudit })]);
    await stage.submitted();
    expect(stage.reads).toBe(before);
    expect(stage.looks).toBe(0);
    await stage.leads();
    await stage.settled();
    expect(stage.looks).toBe(1);
    stage.evict();
    await stage.leads();
    await stage.settled();
    expect(stage.looks).toBe(1);
  });

  it("is tried again when the database is back", async () => {
    const workload = await running();
    const socket = await stage.watch();
    stage.isAway = true;
    await stage.apply([completed(workload, { audit: completedAudit })]);
    expect(socket.told).toEqual(["hello"]);
    expect(stage.wakes.at(-1)).toBeGreaterThan(stage.now);
    stage.isAway = false;
    stage.live.keepTime();
    await stage.settled();
    expect(socket.told).toEqual(["hello", "completed"]);
  });

  it("begins anew for all when the coordinator does: what was committed last is not known", async () => {
    const workload = await running();
    const socket = await stage.watch();
    const { lead } = stage;
    if (lead === null) throw new Error("nobody leads");
    await stage.memory.apply(lead, [completed(workload, { audit: completedAudit })], [], t0);
    await stage.leads();
    await stage.settled();
    expect(socket.told).toEqual(["hello", "completed"]);
  });
});

describe("progress between the audited steps", () => {
  it("is told from memory, without a query and with the cursor unchanged", async () => {
    const workload = await running();
    const [one, all] = [await stage.watch({ workloadId: workload.workloadId }), await stage.watch()];
    const before = stage.reads;
    await stage.apply([stepTo(workload, "RUNNING", progress(5), { audit: [] })]);
    expect(stage.reads).toBe(before);
    for (const { messages } of [one, all]) {
      expect(messages[1]).toMatchObject({ type: "status_update", progress_percent: 5, cursor: messages[0]?.cursor });
      expect(messages).toHaveLength(2);
    }
  });

  it("is not told after the end, nor again when nothing changed", async () => {
    const workload = await running();
    const socket = await stage.watch();
    const step = stepTo(workload, "RUNNING", progress(5), { audit: [] });
    await Promise.all([stage.apply([step]), stage.apply([completed(step.next, { audit: completedAudit })])]);
    await stage.settled();
    expect(socket.told.at(-1)).toBe("completed");
    expect(socket.told.filter((told) => told === "RUNNING").length).toBeLessThan(2);
  });
});

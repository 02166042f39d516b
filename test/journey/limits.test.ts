/** Fifty clients at once against every limit of their customer: none is ever passed by one, and the counters are right. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { benchmarkOverrides, type NewCustomer } from "../../infra/local/seed-customer.ts";
import type { Stack } from "../../infra/local/stack.ts";
import { type CustomerView, customerWithUsageSchema } from "../../schema/http/customer.ts";
import { operatedSchema } from "../../schema/http/operation.ts";
import { batchSubmittedSchema, submittedSchema } from "../../schema/http/submit.ts";
import { workloadIdSchema } from "../../schema/ids.ts";
import { readRateFactor, tierLimits } from "../../schema/tiers.ts";
import { requirementOf } from "../support/api-callers.ts";
import { Client } from "../support/client.ts";
import { type Caller, callerOf, codeOf, crowd, crowdSize, readAs } from "../support/crowd.ts";
import { documentOf, operationsOf } from "../support/documented.ts";
import { readHistories } from "../support/history.ts";
import { restViolations } from "../support/invariants.ts";
import { journeyModule, openGate, partExit, workerOf } from "../support/journey.ts";
import { Occurrences } from "../support/occurrences.ts";
import type { RawReply } from "../support/raw-http.ts";
import { overruns, readAccepted, readPeaks, recountUsage } from "../support/recount.ts";
import { requestOf } from "../support/requests.ts";
import { newCustomer, startTestStack } from "../support/stack.ts";

const seed = Number(process.env.NIYANTA_FUZZ_SEED ?? Date.now() % 2 ** 31);
/** Two pools with workers, and one that nobody works in. */
const [here, elsewhere, idle] = ["default", "elsewhere", "idle"];
const slots = 5;

const folder = mkdtempSync(join(tmpdir(), "niyanta-limits-"));
let stack: Stack;
let operator: Caller;
const callers: Caller[] = [];
/** The slots of each worker. */
const workers = new Map<string, number>();

beforeAll(async () => {
  const bindings = { NIYANTA_POOLS: [here, elsewhere, idle].join(",") };
  stack = await startTestStack({ agents: 0, leaseSeconds: 10, bindings });
  operator = callerOf(stack.dev.api_url, stack.dev.admin_key);
  callers.push(operator);
  const env = { NIYANTA_WORKLOADS: journeyModule };
  for (const agent of await Promise.all([here, elsewhere].map((pool) => stack.addAgent({ pool, slots, env })))) {
    workers.set(workerOf(agent), slots);
  }
});

afterAll(async () => {
  for (const caller of callers) caller.close();
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function begin(chosen: Partial<NewCustomer>) {
  const workloadTypes = ["noop", "sleep", "journey.wait"];
  const { customerId, key } = await newCustomer(stack, { workloadTypes, ...chosen });
  const caller = callerOf(stack.dev.api_url, key);
  callers.push(caller);
  const client = new Client(stack.dev.api_url, key);
  return { customerId, key, caller, client, url: stack.dev.database_url };
}
type World = Awaited<ReturnType<typeof begin>>;

const noop = { workload_type: "noop", pool: idle };
const submit = ({ caller }: World) => caller.ask({ path: "/v1/workloads", body: noop });
const submitBatch = ({ caller }: World, size: number) =>
  caller.ask({ path: "/v1/workloads/batch", body: { workloads: Array.from({ length: size }, () => noop) } });
const act = ({ caller }: World, id: string, action: string, body: object = {}) =>
  caller.ask({ path: `/v1/workloads/${id}/${action}`, body });

const idsIn = (reply: RawReply): string[] =>
  "workload_id" in JSON.parse(reply.text)
    ? [readAs(submittedSchema, reply).workload_id]
    : readAs(batchSubmittedSchema, reply).workloads.map(({ workload_id: id }) => id);
const acceptedIn = (replies: readonly RawReply[]) => replies.filter(({ status }) => status === 202).flatMap(idsIn);
const withStatus = (replies: readonly RawReply[], status: number) => replies.filter((reply) => reply.status === status);

const usageOf = async ({ caller }: World) =>
  readAs(customerWithUsageSchema, await caller.surely({ method: "GET", path: "/v1/customer" })).usage;

/** By the coordinator's own count, and by Postgres'. */
async function expectRecounted(world: World) {
  const { running, queued } = await usageOf(world);
  expect({ running, queued }).toEqual(await recountUsage(world.url, world.customerId));
}

const change = (world: World, terms: Partial<Pick<CustomerView, "tier" | "overrides" | "suspended">>) =>
  operator.surely({ method: "PUT", path: `/v1/admin/customers/${world.customerId}`, body: terms });

function expectRefusedByRate(replies: readonly RawReply[], burst: number) {
  for (const reply of replies) {
    expect(codeOf(reply)).toBe("RATE_LIMITED");
    expect(Number(reply.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    expect(reply.headers["x-ratelimit-limit"]).toBe(String(burst));
    expect(Number(reply.headers["x-ratelimit-remaining"])).toBeGreaterThanOrEqual(0);
    expect(Number(reply.headers["x-ratelimit-reset"])).toBeGreaterThanOrEqual(1);
  }
}

describe.each(["free", "standard"] as const)("the rate of tier %s", (tier) => {
  const { submitBurst: burst, submitsPerSecond } = tierLimits[tier];
  const perSecond = submitsPerSecond ?? Number.POSITIVE_INFINITY;
  const turns = 10;

  it("is kept in every window, batches and all, and a refusal leaves no trace", async () => {
    const world = await begin({ tier, overrides: { queueDepthMax: 10_000 } });
    const replies = await crowd(turns, (who, nth) =>
      (who + nth) % 5 === 0 ? submitBatch(world, who === 0 ? burst + 1 : 1 + (who % burst)) : submit(world),
    );
    const accepted = await readAccepted(world.url, world.customerId);
    expect(accepted.map(({ id }) => id).toSorted()).toEqual(acceptedIn(replies).toSorted());
    expect(accepted.length).toBeGreaterThanOrEqual(burst);
    expect(overruns(accepted, perSecond, burst)).toEqual([]);
    const [tooLarge, refused] = [withStatus(replies, 400), withStatus(replies, 429)];
    expect(tooLarge.length + refused.length + withStatus(replies, 202).length).toBe(replies.length);
    expect(tooLarge).toHaveLength(turns / 5);
    for (const reply of tooLarge) {
      expect(JSON.parse(reply.text).error).toMatchObject({ code: "INVALID_INPUT", details: { submit_burst: burst } });
    }
    expectRefusedByRate(refused, burst);
    await expectRecounted(world);
  });

  it("is kept across leaders: a coordinator that is killed gives nobody a second burst", async () => {
    const world = await begin({ tier, overrides: { queueDepthMax: 10_000 } });
    const again = Promise.withResolvers<void>();
    const taken = new Occurrences<number>();
    let unanswered = 0;
    const replies = crowd(turns, async (_, nth) => {
      if (nth === turns / 2) await again.promise;
      const reply = await submit(world).catch(() => null);
      if (reply === null) unanswered += 1;
      if (reply?.status === 202) taken.add(taken.all.length + 1);
      return reply;
    });
    await taken.until((count) => count === burst);
    await restartCoordinator();
    again.resolve();
    const answered = (await replies).filter((reply) => reply !== null);
    const promised = acceptedIn(answered);
    const accepted = await readAccepted(world.url, world.customerId);
    expect(overruns(accepted, perSecond, burst)).toEqual([]);
    expect(accepted.map(({ id }) => id)).toEqual(expect.arrayContaining(promised));
    expect(accepted.length - promised.length).toBeLessThanOrEqual(unanswered);
    expect(promised.length).toBeGreaterThanOrEqual(burst);
    await expectRecounted(world);
  });
});

async function restartCoordinator(): Promise<void> {
  const gone = partExit(stack, "coordinator");
  stack.kill("coordinator");
  await gone;
  await stack.start("coordinator");
}

describe("the depth of the queue", () => {
  const depth = 40;
  const beginQueued = () => begin({ overrides: { ...benchmarkOverrides, queueDepthMax: depth } });

  function expectFull(replies: readonly RawReply[]) {
    for (const reply of replies) {
      expect({ status: reply.status, code: codeOf(reply) }).toEqual({ status: 503, code: "SERVICE_UNAVAILABLE" });
      expect(JSON.parse(reply.text).error.details).toEqual({ queue_depth_max: depth });
      expect(Number(reply.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    }
  }

  it("is reached and never passed, and a batch that does not fit as a whole takes no place", async () => {
    const world = await beginQueued();
    const size = 3;
    const batches = await crowd(2, () => submitBatch(world, size));
    expect(withStatus(batches, 202)).toHaveLength(Math.floor(depth / size));
    expectFull(batches.filter(({ status }) => status !== 202));
    const singles = await crowd(2, () => submit(world));
    expect(withStatus(singles, 202)).toHaveLength(depth % size);
    expectFull(singles.filter(({ status }) => status !== 202));
    expect(await readAccepted(world.url, world.customerId)).toHaveLength(depth);
    expect(await usageOf(world)).toMatchObject({ queued: depth, running: 0 });
    await expectRecounted(world);
  });

  it("holds for what is resumed and for what is run again, one by one and in batches", async () => {
    const world = await beginQueued();
    const ids = idsIn(await submitBatch(world, depth));
    const [paused, cancelled] = [ids.slice(0, 10), ids.slice(10, 20)];
    await Promise.all(paused.map((id) => act(world, id, "pause")));
    await Promise.all(cancelled.map((id) => act(world, id, "cancel")));
    const places = 3;
    expect((await submitBatch(world, 20 - places)).status).toBe(202);
    const replies = await crowd(1, (who) =>
      who % 2 === 0
        ? act(world, paused[(who / 2) % paused.length] ?? "", "resume")
        : act(world, cancelled[((who - 1) / 2) % cancelled.length] ?? "", "retry"),
    );
    const done = replies.filter(({ status }) => status === 200 || status === 202);
    expect(done).toHaveLength(places);
    expectFull(replies.filter(({ status }) => status === 503));
    expect(await usageOf(world)).toMatchObject({ queued: depth });
    for (const action of ["resume", "retry"]) {
      const still = action === "resume" ? { filter: { status: ["PAUSED"] } } : { ids: cancelled };
      expectFull([await world.caller.ask({ path: `/v1/workloads/batch/${action}`, body: still })]);
    }
    await act(world, ids.at(-1) ?? "", "cancel");
    await act(world, ids.at(-2) ?? "", "cancel");
    const asked = { path: "/v1/workloads/batch/retry", body: { ids: cancelled } };
    expect(readAs(operatedSchema, await world.caller.surely(asked)).count).toBe(2);
    await expectRecounted(world);
  });
});

describe("the cap of what runs", () => {
  const cap = 7;
  const turns = 8;

  interface Turn {
    readonly action: string;
    readonly pick: number;
    readonly pool: string | undefined;
    readonly ms: number;
  }
  const plan = fc.sample(
    fc.record<Turn>({
      action: fc.constantFrom("submit", "submit", "submit", "cancel", "pause", "resume", "retry", "move", "usage"),
      pick: fc.nat(),
      pool: fc.constantFrom(here, elsewhere),
      ms: fc.nat(60),
    }),
    { numRuns: crowdSize * turns, seed },
  );

  async function take(world: World, known: string[], { action, pick, pool, ms }: Turn): Promise<number> {
    if (action === "usage") {
      expect((await usageOf(world)).running).toBeLessThanOrEqual(cap);
      return 200;
    }
    const id = known[pick % known.length] ?? "";
    if (action !== "submit") return remember(known, await act(world, id, action, action === "move" ? { pool } : {}));
    const work = ms % 2 === 0 ? { workload_type: "noop" } : { workload_type: "sleep", input_params: sleepFor(ms) };
    return remember(known, await world.caller.ask({ path: "/v1/workloads", body: { ...work, pool } }));
  }

  const sleepFor = (ms: number) => ({ duration_ms: ms, step_ms: 10 });

  function remember(known: string[], reply: RawReply): number {
    if (reply.status === 202 && !reply.text.includes('"generation"')) known.push(...idsIn(reply));
    return reply.status;
  }

  it(`is kept at every moment in two pools while everything is done to them (seed ${seed})`, async () => {
    const world = await begin({ overrides: { ...benchmarkOverrides, runningMax: cap } });
    const known = idsIn(await submitBatch(world, crowdSize));
    const statuses = await crowd(turns, (who, nth) => take(world, known, plan[who * turns + nth] ?? (plan[0] as Turn)));
    expect(statuses.filter((status) => ![200, 202, 400].includes(status))).toEqual([]);
    await settle(world);
    const peaks = await readPeaks(world.url, world.customerId);
    expect(peaks.all).toBe(cap);
    expect(peaks.workers.size).toBe(workers.size);
    for (const [worker, held] of peaks.workers) expect(held).toBeLessThanOrEqual(workers.get(worker) ?? 0);
    await expectRecounted(world);
    const histories = await readHistories(world.url, world.customerId);
    expect(restViolations(histories, known)).toEqual([]);
  });

  /** Everything goes on where somebody works, until all of it is over; a move resumes what is paused. */
  const settle = (world: World) =>
    world.client.until(
      "all to be over",
      async () => {
        const [pending, paused] = await Promise.all(
          ["PENDING", "PAUSED"].map((status) => world.client.list({ status, limit: "100" })),
        );
        const unserved = pending?.workloads.filter(({ pool }) => pool === idle) ?? [];
        const stopped = [...unserved, ...(paused?.workloads ?? [])];
        await Promise.all(stopped.map(({ workload_id: id }) => act(world, id, "move", { pool: here })));
        const { running, queued } = await usageOf(world);
        return running + queued + stopped.length;
      },
      (open) => open === 0,
    );
});

describe("what the operator changes", () => {
  let gates = 0;
  const newGate = () => {
    gates += 1;
    return join(folder, `gate-${gates}`);
  };
  const waitAt = async (world: World, gate: string, count: number) => {
    const body = { workload_type: "journey.wait", input_params: { gate } };
    const reply = await world.caller.ask({ path: "/v1/workloads/batch", body: { workloads: Array(count).fill(body) } });
    return idsIn(reply).map((id) => workloadIdSchema.parse(id));
  };

  it("holds from the next decision on", async () => {
    const world = await begin({ overrides: { ...benchmarkOverrides, runningMax: 2 } });
    const gate = newGate();
    const ids = await waitAt(world, gate, 6);
    await world.client.untilCount("RUNNING", 2);
    expect(await usageOf(world)).toMatchObject({ running: 2, queued: 4 });
    await change(world, { overrides: { running_max: 4, queue_depth_max: 3, submits_per_second: null } });
    await world.client.untilCount("RUNNING", 4);
    expect(await usageOf(world)).toMatchObject({ running: 4, queued: 2, submit_tokens: null });
    expect((await submit(world)).status).toBe(202);
    expect((await submit(world)).status).toBe(503);
    await change(world, { overrides: { running_max: 1, submits_per_second: 1, submit_burst: 1 } });
    const [first, second] = [await submit(world), await submit(world)];
    expect([first.status, second.status]).toEqual([202, 429]);
    expectRefusedByRate([second], 1);
    openGate(gate);
    for (const id of ids) await world.client.untilStatus(id, "COMPLETED");
    expect((await readPeaks(world.url, world.customerId)).all).toBe(4);
    await expectRecounted(world);
  });

  it("shuts out whom it suspends everywhere, ends nothing that runs, starts nothing new, and lets it go on", async () => {
    const world = await begin({ overrides: { ...benchmarkOverrides, runningMax: 2 } });
    const gate = newGate();
    const ids = await waitAt(world, gate, 4);
    await world.client.untilCount("RUNNING", 2);
    await change(world, { suspended: true });
    await refusedFrom(world);
    for (const call of await customersCalls()) {
      const path = Object.fromEntries(call.parameters.map(({ name, example }) => [name, String(example ?? "x")]));
      const parts = { path, query: [], headers: {}, body: call.body?.example };
      const reply = await world.caller.raw(requestOf(call, parts, `Bearer ${world.key}`));
      expect({ call: `${call.method} ${call.path}`, status: reply.status }).toMatchObject({ status: 403 });
    }
    openGate(gate);
    await operatorSees(world, ({ running }) => running === 0);
    // Somebody else's work goes through the same pool, and what is suspended has had its chance to start.
    const other = await begin({});
    const barrier = workloadIdSchema.parse(
      idsIn(await other.caller.ask({ path: "/v1/workloads", body: { workload_type: "noop" } }))[0],
    );
    await other.client.untilStatus(barrier, "COMPLETED");
    expect(await recountUsage(world.url, world.customerId)).toEqual({ running: 0, queued: 2 });
    await change(world, { suspended: false });
    for (const id of ids)
      await world.client.until(
        `${id} to end`,
        () => statusOf(world, id),
        (status) => status === "COMPLETED",
      );
    expect((await readPeaks(world.url, world.customerId)).all).toBe(2);
    await expectRecounted(world);
  });

  /** Null while it is shut out. */
  async function statusOf({ caller }: World, id: string): Promise<string | null> {
    const { status, text } = await caller.ask({ method: "GET", path: `/v1/workloads/${id}` });
    return status === 200 ? JSON.parse(text).status : null;
  }

  const refusedFrom = ({ client, caller }: World) =>
    client.until(
      "reads to be refused",
      () => caller.ask({ method: "GET", path: "/v1/customer" }),
      ({ status }) => status === 403,
    );

  const operatorSees = (world: World, holds: (usage: { running: number }) => boolean) =>
    world.client.until(
      "what runs to be over",
      async () => {
        const path = `/v1/admin/customers/${world.customerId}`;
        return readAs(customerWithUsageSchema, await operator.surely({ method: "GET", path })).usage;
      },
      holds,
    );

  async function customersCalls() {
    const text = await (await fetch(`${stack.dev.api_url}/openapi.json`)).text();
    return operationsOf(documentOf(text)).filter((call) => requirementOf(call)?.scheme === "customer");
  }
});

describe("reads", () => {
  it("have a bucket of their own: when it is empty, submissions still pass", async () => {
    const { submitBurst, submitsPerSecond } = tierLimits.free;
    const [burst, perSecond] = [submitBurst * readRateFactor, (submitsPerSecond ?? 0) * readRateFactor];
    const world = await begin({ tier: "free", overrides: {} });
    const begun = Date.now();
    const replies = await crowd(8, () => world.caller.ask({ method: "GET", path: "/v1/workloads" }));
    const seconds = (Date.now() - begun) / 1_000;
    const passed = withStatus(replies, 200).length;
    expect(passed).toBeGreaterThanOrEqual(burst);
    expect(passed).toBeLessThanOrEqual(burst + perSecond * seconds);
    const refused = withStatus(replies, 429);
    expect(refused.length).toBe(replies.length - passed);
    expect(refused.length).toBeGreaterThan(0);
    expectRefusedByRate(refused, burst);
    const submitted = await Promise.all(Array.from({ length: submitBurst }, () => submit(world)));
    expect(submitted.map(({ status }) => status)).toEqual(Array(submitBurst).fill(202));
  });
});

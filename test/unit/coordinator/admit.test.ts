/** Admission: what comes together is written together, refusals leave no trace, and what has a slot is placed at once. */
import { describe, expect, test } from "vitest";
import { admissionBytesMax, groupCommitBytesMax, inputBytesMax } from "../../../schema/limits.ts";
import { eventOf, World } from "./world.ts";

const many = 50;
const one = [{}];
/** As JSON, with its quotes, as large as an input may be. */
const large = [{ input_params: "x".repeat(inputBytesMax - 2) }];
const kindsOf = (results: readonly Awaited<ReturnType<World["submit"]>>[]) =>
  results.map((result) => (result.ok ? "ok" : result.refusal.kind));
const countOf = (results: readonly string[], kind: string) => results.filter((result) => result === kind).length;
const parallel = (world: World, count: number, bodies = one) =>
  Promise.all(Array.from({ length: count }, () => world.submit(bodies)));

describe("submissions that come together", () => {
  test("become one insert", async () => {
    const world = new World();
    expect(countOf(kindsOf(await parallel(world, many)), "ok")).toBe(many);
    expect(world.inserts).toEqual([many]);
    expect((await world.rows()).length).toBe(many);
  });

  test("fill the queue to its depth and no further", async () => {
    const world = new World({ queueDepthMax: 20 });
    const results = kindsOf(await parallel(world, many));
    expect([countOf(results, "ok"), countOf(results, "queue_full")]).toEqual([20, 30]);
    expect((await world.rows()).length).toBe(20);
  });

  test("are bounded in bytes as in rows: what is too large for one statement goes with the next", async () => {
    const world = new World();
    const fitting = groupCommitBytesMax / inputBytesMax;
    expect(countOf(kindsOf(await parallel(world, fitting + 4, large)), "ok")).toBe(fitting + 4);
    expect(world.inserts).toEqual([fitting, 4]);
  });

  test("are refused while those that wait for their statement fill the memory, and taken after that", async () => {
    const world = new World({ queueDepthMax: 10_000 });
    const fitting = admissionBytesMax / inputBytesMax;
    const results = kindsOf(await parallel(world, fitting + 3, large));
    expect([countOf(results, "ok"), countOf(results, "unavailable")]).toEqual([fitting, 3]);
    expect(kindsOf([await world.submit(large)])).toEqual(["ok"]);
  });

  test("one after the other fill it to the same depth", async () => {
    const world = new World({ queueDepthMax: 3 });
    const results = [
      await world.submit(one),
      await world.submit(one),
      await world.submit(one),
      await world.submit(one),
    ];
    expect(kindsOf(results)).toEqual(["ok", "ok", "ok", "queue_full"]);
  });

  test("take the tokens that are there and no more, now and after a while (I22)", async () => {
    const world = new World({ submitsPerSecond: 1, submitBurst: 5 });
    expect(countOf(kindsOf(await parallel(world, many)), "ok")).toBe(5);
    world.now += 2_000;
    const later = kindsOf(await parallel(world, many));
    expect([countOf(later, "ok"), countOf(later, "rate_limited")]).toEqual([2, 48]);
  });
});

test("what waits for its statement when another leadership begins is counted there too (I22)", async () => {
  const fitting = groupCommitBytesMax / inputBytesMax;
  const world = new World({ submitsPerSecond: 1, submitBurst: fitting + 4 });
  world.weather = "away";
  const sent = Array.from({ length: fitting + 4 }, () => world.submit(large));
  await sent[0];
  world.weather = "fine";
  const results = kindsOf(await Promise.all(sent));
  expect([countOf(results, "unavailable"), countOf(results, "ok")]).toEqual([fitting, 4]);
  expect(countOf(kindsOf(await parallel(world, many)), "ok")).toBe(fitting);
});

test("what makes no workload after all gives its tokens back", async () => {
  const world = new World({ submitsPerSecond: 1, submitBurst: 5 });
  const results = [
    await world.submit(one, "k"),
    await world.submit(one, "k"),
    await world.submit(one, "k", "b"),
    await world.submit([{ input_params: "a NUL: \u0000" }]),
  ];
  expect(kindsOf(results)).toEqual(["ok", "ok", "idempotency_conflict", "unstorable"]);
  expect((await world.session()).bucket.tokens).toBe(4);
});

describe("a refusal", () => {
  test("leaves no trace, neither a row nor a token", async () => {
    const world = new World({ submitsPerSecond: 1, submitBurst: 3, queueDepthMax: 4 });
    const refused = [
      await world.submit([{}, { workload_type: "unheard-of" }]),
      await world.submit([{}, { pool: "elsewhere" }]),
      await world.submit([{}, {}, {}, {}]),
      await world.submit([{}, {}, {}, {}, {}]),
    ];
    expect(kindsOf(refused)).toEqual([
      ...["unknown_workload_type", "unknown_pool", "batch_exceeds_burst", "batch_exceeds_queue"],
    ]);
    expect(world.inserts).toEqual([]);
    expect((await world.session()).bucket.tokens).toBe(3);
    expect(kindsOf([await world.submit([{}, {}, {}])])).toEqual(["ok"]);
  });

  test("names the item that it is about", async () => {
    const world = new World();
    expect(await world.submit([{}, { workload_type: "unheard-of" }])).toMatchObject({ refusal: { item: 1 } });
  });

  test("for want of room or tokens does not meet a request that was taken before, whose answer was lost", async () => {
    const world = new World({ submitsPerSecond: 1, submitBurst: 1, queueDepthMax: 10 });
    const first = await world.submit(one, "k");
    expect(kindsOf([first, await world.submit(one)])).toEqual(["ok", "rate_limited"]);
    const again = await world.submit(one, "k");
    const ids = (result: typeof first) => (result.ok ? result.value.map(({ workloadId }) => workloadId) : []);
    expect(ids(again)).toEqual(ids(first));
    expect(kindsOf([await world.submit(one, "k", "b")])).toEqual(["idempotency_conflict"]);
    expect(kindsOf([await world.submit(one, "new")])).toEqual(["rate_limited"]);
  });

  test("meets every submission of a customer that is suspended", async () => {
    const world = new World();
    world.memory.putCustomer(world.customer({}, {}, true));
    expect(kindsOf([await world.submit(one)])).toEqual(["customer_suspended"]);
  });

  test("of what cannot be stored is its own, and the others of the same statement are written", async () => {
    const world = new World();
    const results = await Promise.all([
      world.submit(one),
      world.submit([{ input_params: "a NUL: \u0000" }]),
      world.submit(one),
    ]);
    expect(kindsOf(results)).toEqual(["ok", "unstorable", "ok"]);
    expect((await world.rows()).length).toBe(2);
  });
});

test("refusals are counted, and do not pile up", async () => {
  const world = new World();
  for (let count = 0; count < many; count += 1) await world.submit([{ workload_type: "unheard-of" }]);
  const labels = { customer: world.customerId, status: "unknown_workload_type" };
  expect((await world.session()).samples.take()).toEqual([
    { counter: "niyanta_workload_submissions_total", labels, value: many },
  ]);
});

describe("a pool", () => {
  test("knows the customer before there is a row, also for what is due later, so nothing is lost with an answer", async () => {
    const world = new World();
    const at = world.now + 3_600_000;
    world.weather = "lost";
    expect(kindsOf([await world.submit([{ run_at: new Date(at).toISOString() }])])).toEqual(["unavailable"]);
    expect(world.pool.asked).toMatchObject([{ customerId: world.customerId, items: [] }]);
    expect(world.wakes).toEqual([at, world.now + 1_000]);
  });

  test("is asked, for no slot, where others of the customer wait already", async () => {
    const world = new World();
    await world.submitOne();
    await world.submitOne();
    expect(world.pool.asked.map(({ items }) => items.length)).toEqual([1, 0]);
  });

  test("that does not answer is told by the coordinator's own alarm", async () => {
    const world = new World();
    world.pool.down = true;
    await world.submitOne();
    expect(world.wakes).toEqual([world.now + 1_000]);
  });

  test("that was asked hears what became of it, also where nothing was created", async () => {
    const world = new World();
    expect(kindsOf([await world.submit([{ input_params: "\u0000" }])])).toEqual(["unstorable"]);
    await world.settled();
    expect(world.pool.last.demand).toMatchObject({ items: [], active: false });
  });

  test("is offered what the customer's workloads in other pools leave of the cap (I19)", async () => {
    const world = new World({ runningMax: 3 });
    await world.submitPlaced(2);
    await world.submitOne({ pool: "other" });
    await world.settled();
    expect(world.other.asked).toMatchObject([{ share: { runningMax: 1 } }]);
    expect(world.other.last.share.runningMax).toBe(1);
  });
});

describe("an idempotency key", () => {
  test("names one workload, however often the request comes (I23)", async () => {
    const world = new World();
    const results = await Promise.all([world.submit(one, "k"), world.submit(one, "k"), world.submit(one, "k")]);
    const later = await world.submit(one, "k");
    const [workload] = await world.rows();
    for (const result of [...results, later]) {
      expect(result).toMatchObject({ ok: true, value: [{ workloadId: workload?.workloadId }] });
    }
    expect((await world.rows()).length).toBe(1);
    expect((await world.session()).book.queuedCount).toBe(1);
  });

  test("with another body is refused, together or later", async () => {
    const world = new World();
    const results = await Promise.all([world.submit(one, "k", "a"), world.submit(one, "k", "b")]);
    expect(kindsOf([...results, await world.submit(one, "k", "c")])).toEqual([
      "ok",
      "idempotency_conflict",
      "idempotency_conflict",
    ]);
  });
});

describe("placing before persisting", () => {
  test("writes what has a slot as SCHEDULED in one statement, and sends it after that", async () => {
    const world = new World();
    world.pool.free = 1;
    const [placed, waiting] = await world.submitAll(2);
    if (placed === undefined || waiting === undefined) throw new Error("two were submitted");
    await world.settled();
    expect(await world.row(placed)).toMatchObject({
      status: "SCHEDULED",
      generation: 1,
      workerId: world.pool.workerId,
    });
    expect(await world.events(placed)).toEqual(["created", "scheduled"]);
    expect(await world.row(waiting)).toMatchObject({ status: "PENDING", generation: 0, workerId: null });
    expect([world.inserts, world.applies]).toEqual([[1], []]);
    expect(world.pool.dispatched).toEqual([placed]);
    expect(world.pool.last.demand.items.map(({ workloadId }) => workloadId)).toEqual([waiting]);
  });

  test("asks for no more than the customer's cap has room for (I19)", async () => {
    const world = new World({ runningMax: 3 });
    world.pool.free = 10;
    await world.submitAll(2);
    await world.submitAll(5);
    expect((await world.session()).book.heldCount).toBe(3);
    expect(world.pool.free).toBe(7);
  });

  test("passes nobody who waits already", async () => {
    const world = new World();
    await world.submitOne();
    world.pool.free = 1;
    await world.submitOne();
    expect(world.pool.free).toBe(1);
  });

  test("asks for no slot for what is due later, and asks to be woken for it (I15)", async () => {
    const world = new World();
    world.pool.free = 1;
    const id = await world.submitOne({ run_at: new Date(world.now + 60_000).toISOString() });
    expect(await world.row(id)).toMatchObject({ status: "PENDING", dueAt: world.now + 60_000 });
    expect([world.pool.free, world.wakes]).toEqual([1, [world.now + 60_000]]);
  });

  test("is done without when the pool does not answer: the workload waits", async () => {
    const world = new World();
    world.pool.down = true;
    const id = await world.submitOne();
    expect((await world.row(id)).status).toBe("PENDING");
  });

  test.for([
    ["came before", "a"],
    ["conflicts", "b"],
  ])("gives back the slot of a submission that %s", async ([, sha256]) => {
    const world = new World();
    world.pool.free = 2;
    await world.submit(one, "k", "a");
    await world.submit(one, "k", sha256);
    await world.settled();
    const [, second] = world.pool.asked;
    expect(world.pool.updates.flatMap(({ unused }) => unused)).toEqual([second?.items[0]?.workloadId]);
  });

  test("gives back the slot of a submission that cannot be stored", async () => {
    const world = new World();
    world.pool.free = 1;
    expect(kindsOf([await world.submit([{ input_params: "\u0000" }])])).toEqual(["unstorable"]);
    await world.settled();
    expect(world.pool.updates.flatMap(({ unused }) => unused).length).toBe(1);
  });
});

describe("a database that does not answer", () => {
  test("is told to all who wait for the statement, and the next session has a new epoch", async () => {
    const world = new World();
    const { epoch } = (await world.session()).lead;
    world.weather = "away";
    expect(new Set(kindsOf(await parallel(world, 3)))).toEqual(new Set(["unavailable"]));
    world.weather = "fine";
    expect(kindsOf([await world.submit(one)])).toEqual(["ok"]);
    expect((await world.session()).lead.epoch).toBe(epoch + 1);
    expect((await world.rows()).length).toBe(1);
  });

  test("in a way that nobody expects leaves nobody waiting", async () => {
    const world = new World();
    world.weather = "strange";
    expect(new Set(kindsOf(await parallel(world, 3)))).toEqual(new Set(["unavailable"]));
    world.weather = "fine";
    expect(kindsOf([await world.submit(one)])).toEqual(["ok"]);
    expect((await world.rows()).length).toBe(1);
  });

  test("may have written all the same: then the next session knows of it, and a key finds it", async () => {
    const world = new World({ queueDepthMax: 2 });
    world.weather = "lost";
    expect(kindsOf([await world.submit([{}, {}], "k")])).toEqual(["unavailable"]);
    world.weather = "fine";
    const { book } = await world.session();
    expect(book.queuedCount).toBe(2);
    expect(kindsOf([await world.submit(one)])).toEqual(["queue_full"]);
  });
});

test("a coordinator that another one has replaced writes nothing, and says that it does not lead", async () => {
  const world = new World();
  await world.session();
  await world.memory.lead(world.customerId, 1, world.now);
  expect(await world.submit(one)).toMatchObject({ ok: false, refusal: { kind: "unavailable", what: "leader" } });
  expect(await world.rows()).toEqual([]);
  expect(kindsOf([await world.submit(one)])).toEqual(["ok"]);
});

describe("a change of leader", () => {
  test("grants no token: the bucket goes on as it was left (I22)", async () => {
    const world = new World({ submitsPerSecond: 1, submitBurst: 5, queueDepthMax: 5 });
    expect(countOf(kindsOf(await parallel(world, 3)), "ok")).toBe(3);
    for (let leader = 0; leader < 3; leader += 1) await world.forget();
    expect((await world.session()).bucket.tokens).toBe(2);
    world.now += 60_000;
    await world.forget();
    expect(kindsOf([await world.submit([{}, {}])])).toEqual(["ok"]);
  });
});

describe("a start", () => {
  test("is forecast for what waits, as soon as it is known how fast slots come free", async () => {
    const world = new World();
    const estimate = async () => {
      const result = await world.submit([{}, {}]);
      return result.ok ? result.value.map(({ estimatedStartAt }) => estimatedStartAt) : [];
    };
    expect(await estimate()).toEqual([null, null]);
    const [id] = (await world.rows()).map(({ workloadId }) => workloadId);
    if (id === undefined) throw new Error("nothing was submitted");
    world.now += 10_000;
    await world.exchange({ placements: [{ workloadId: id, workerId: world.pool.workerId }] });
    expect(await estimate()).toEqual([null, null]);
    await world.report(eventOf(id, { kind: "completed", result: null }));
    expect(await estimate()).toEqual([world.now + 40_000, world.now + 50_000]);
  });

  test("is forecast behind those of its own line only, and not before its time", async () => {
    const world = new World({ runningMax: 1 });
    const [first] = await world.submitPlaced(1);
    if (first === undefined) throw new Error("nothing was placed");
    await world.submitAll(9, { affinity_rules: { hard_affinity: { worker_tags: { gpu: "yes" } } } });
    world.now += 100_000;
    await world.report(eventOf(first, { kind: "completed", result: null }));
    const runAt = (seconds: number) => new Date(world.now + seconds * 1_000).toISOString();
    const result = await world.submit([{}, { priority: 1_000 }, { run_at: runAt(5) }, { run_at: runAt(3_600) }]);
    const waits =
      result.ok && result.value.map(({ estimatedStartAt }) => ((estimatedStartAt ?? 0) - world.now) / 1_000);
    expect(waits).toEqual([200, 100, 200, 3_600]);
  });
});

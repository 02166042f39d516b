/** What a customer is and owns: changed in its lane, once, and gone by from the next decision on. */
import { describe, expect, test } from "vitest";
import { usageOf } from "../../../functions/coordinator/admit.ts";
import { StoreRejected } from "../../../functions/store/store.ts";
import { configBodySchema } from "../../../schema/http/config.ts";
import { apiKeysMax, typesMax } from "../../../schema/limits.ts";
import { customerScopes } from "../../../schema/scopes.ts";
import { ids } from "../../support/records.ts";
import { World } from "./world.ts";

const typeOf = (workload_type: string, chosen: object = {}) => ({
  configId: ids.config(),
  body: configBodySchema.parse({ workload_type, ...chosen }),
});
const under = (key: string, bodySha256 = "a") => ({ idempotency: { key, bodySha256 } });
const hash = () => ids.message();
const newKey = (scopes: ("workloads:read" | "keys:write")[] = ["workloads:read"]) => ({
  keyId: ids.key(),
  keyHash: hash(),
  grantable: customerScopes,
  expiresBy: null,
  body: { name: "reports", scopes },
});
const operator = { byOperator: true };

async function keyOf(world: World, ...asked: Parameters<typeof newKey>) {
  const what = newKey(...asked);
  const issued = await world.direct("issue_key", what);
  if (!issued.ok) throw new Error(`refused: ${JSON.stringify(issued.refusal)}`);
  return { ...what, view: issued.value };
}

describe("a workload type", () => {
  test("can be submitted as soon as it is registered, with its policy", async () => {
    const world = new World();
    expect(await world.submit([{ workload_type: "new" }])).toMatchObject({ ok: false });
    expect(await world.direct("create_type", typeOf("new", { max_retries: 9, timeout_seconds: 5 }))).toMatchObject({
      ok: true,
      value: { workload_type: "new", created_at: new Date(world.now).toISOString() },
    });
    const id = await world.submitOne({ workload_type: "new" });
    expect((await world.row(id)).policy).toMatchObject({ maxRetries: 9, timeoutSeconds: 5 });
  });

  test("has a name of its own, and there are no more than the limit", async () => {
    const world = new World();
    const exists = { ok: false, refusal: { kind: "type_exists", workloadType: "noop" } };
    expect(await world.direct("create_type", typeOf("noop"))).toEqual(exists);
    const session = await world.session();
    for (let n = session.customer.types.size; n < typesMax; n += 1)
      await world.direct("create_type", typeOf(`type-${n}`));
    expect(await world.direct("create_type", typeOf("one-more"))).toEqual({
      ok: false,
      refusal: { kind: "too_many_types", typesMax },
    });
  });

  test("that is replaced leaves what runs as it is, and tells the pools what the rest needs", async () => {
    const world = new World();
    const type = typeOf("new", { max_retries: 1 });
    await world.direct("create_type", type);
    const before = await world.submitOne({ workload_type: "new" });
    const body = configBodySchema.parse({ workload_type: "new", max_retries: 2, resource_limits: { cpu_cores: 4 } });
    expect(await world.direct("replace_type", { ...type, body })).toMatchObject({ ok: true });
    await world.settled();
    expect(world.pool.last.demand.items).toMatchObject([{ workloadId: before, resources: { cpu_cores: 4 } }]);
    const after = await world.submitOne({ workload_type: "new" });
    expect((await world.row(before)).policy.maxRetries).toBe(1);
    expect((await world.row(after)).policy.maxRetries).toBe(2);
  });

  test("keeps its name, and one that is not there is not replaced", async () => {
    const world = new World();
    const type = typeOf("new");
    await world.direct("create_type", type);
    const renamed = { ...type, body: configBodySchema.parse({ workload_type: "other" }) };
    expect(await world.direct("replace_type", renamed)).toEqual({
      ok: false,
      refusal: { kind: "type_renamed", workloadType: "new" },
    });
    const unknown = { ok: false, refusal: { kind: "unknown_config" } };
    expect(await world.direct("replace_type", typeOf("new"))).toEqual(unknown);
    expect(await world.direct("delete_type", typeOf("new"))).toEqual(unknown);
  });

  test("that is deleted cannot be submitted any more, and can be made again", async () => {
    const world = new World();
    const type = typeOf("new");
    await world.direct("create_type", type);
    expect(await world.direct("delete_type", type)).toEqual({ ok: true, value: null });
    expect(await world.submit([{ workload_type: "new" }])).toMatchObject({
      ok: false,
      refusal: { kind: "unknown_workload_type" },
    });
    expect(await world.direct("create_type", typeOf("new"))).toMatchObject({ ok: true });
  });

  test("stays while there is a workload of it, written or on its way", async () => {
    const world = new World();
    const type = typeOf("new");
    await world.direct("create_type", type);
    const inUse = { ok: false, refusal: { kind: "type_in_use", workloadType: "new" } };
    const [deleted, id] = await Promise.all([
      world.direct("delete_type", type),
      world.submitOne({ workload_type: "new" }),
    ]);
    expect(deleted).toEqual(inUse);
    await world.cancel(id);
    expect(await world.direct("delete_type", type)).toEqual(inUse);
    expect(await world.submit([{ workload_type: "new" }])).toMatchObject({ ok: true });
  });

  test("stays when the database refuses the statement that should delete it", async () => {
    const world = new World();
    const type = typeOf("new");
    await world.direct("create_type", type);
    const deleteType = () => Promise.reject(new StoreRejected("not this one"));
    const { deleteType: before } = world.deps.store;
    Object.assign(world.deps.store, { deleteType });
    expect(await world.direct("delete_type", type)).toMatchObject({ ok: false, refusal: { kind: "unstorable" } });
    Object.assign(world.deps.store, { deleteType: before });
    expect(await world.submit([{ workload_type: "new" }])).toMatchObject({ ok: true });
  });

  test("takes nothing in while it is being deleted", async () => {
    const world = new World();
    const type = typeOf("new");
    await world.direct("create_type", type);
    await world.session();
    const deleteType = world.deps.store.deleteType;
    const late: Promise<unknown>[] = [];
    Object.assign(world.deps.store, {
      deleteType: (...asked: Parameters<typeof deleteType>) => {
        late.push(world.submit([{ workload_type: "new" }]));
        return deleteType(...asked);
      },
    });
    expect(await world.direct("delete_type", type)).toMatchObject({ ok: true });
    expect(await Promise.all(late)).toMatchObject([{ ok: false, refusal: { kind: "unknown_workload_type" } }]);
  });
});

describe("a key", () => {
  test("gives only scopes that who asks has itself", async () => {
    const world = new World();
    const grantable = ["keys:write"];
    const refused = { ok: false, refusal: { kind: "scope_not_held", scopes: ["workloads:read"] } };
    expect(await world.direct("issue_key", { ...newKey(), grantable })).toEqual(refused);
    const { keyId: replaced } = await keyOf(world);
    const rotation = { ...newKey(), grantable, replaced, overlapSeconds: 1 };
    expect(await world.direct("rotate_key", rotation)).toEqual(refused);
  });

  test("does not outlive who asks for it: it ends no later, and a later end is refused", async () => {
    const world = new World();
    const [before, end, after] = [-1, 0, 1].map((ms) => new Date(world.now + 60_000 + ms).toISOString());
    const expiresBy = world.now + 60_000;
    const issued = async (chosen: { expires_at?: string }, by: number | null = expiresBy) => {
      const { body, ...secret } = newKey();
      return world.direct("issue_key", { ...secret, expiresBy: by, body: { ...body, ...chosen } });
    };
    const given = (at: string) => ({ expires_at: at });
    expect(await issued({})).toMatchObject({ ok: true, value: { expires_at: end } });
    expect(await issued(given(before ?? ""))).toMatchObject({ ok: true, value: { expires_at: before } });
    expect(await issued(given(end ?? ""))).toMatchObject({ ok: true, value: { expires_at: end } });
    const refused = { ok: false, refusal: { kind: "key_outlives", expiresBy } };
    expect(await issued(given(after ?? ""))).toEqual(refused);
    expect(await issued(given(after ?? ""), null)).toMatchObject({ ok: true, value: { expires_at: after } });
  });

  test("that is rotated ends no later than who asks for it, and no later than it would have", async () => {
    const world = new World();
    const [sooner, later] = [world.now + 60_000, world.now + 90_000];
    const endOf = async (end: number | null, expiresBy: number | null) => {
      const body = { ...newKey().body, ...(end === null ? {} : { expires_at: new Date(end).toISOString() }) };
      const old = { ...newKey(), body };
      await world.direct("issue_key", old);
      const asked = { ...newKey(), expiresBy, replaced: old.keyId, overlapSeconds: 1 };
      const rotated = await world.direct("rotate_key", asked);
      return rotated.ok && rotated.value.expires_at !== null ? Date.parse(rotated.value.expires_at) : null;
    };
    expect(await endOf(null, sooner)).toBe(sooner);
    expect(await endOf(later, sooner)).toBe(sooner);
    expect(await endOf(sooner, later)).toBe(sooner);
    expect(await endOf(later, null)).toBe(later);
    expect(await endOf(null, null)).toBeNull();
  });

  test("cannot end in the past, and what was answered before that is answered again after it", async () => {
    const world = new World();
    const what = newKey();
    const soon = { ...what, body: { ...what.body, expires_at: new Date(world.now + 1_000).toISOString() } };
    const first = await world.direct("issue_key", soon, under("k"));
    expect(first).toMatchObject({ ok: true });
    world.now += 1_000;
    expect(await world.direct("issue_key", { ...soon, keyId: ids.key() }, under("k"))).toEqual(first);
    const past = { ok: false, refusal: { kind: "expiry_past" } };
    expect(await world.direct("issue_key", { ...soon, keyId: ids.key() }, under("other"))).toEqual(past);
  });

  test("that is rotated goes on for the overlap, under a new key of the same name and scopes", async () => {
    const world = new World();
    const old = await keyOf(world, ["workloads:read", "keys:write"]);
    const next = { ...newKey(), replaced: old.keyId, overlapSeconds: 60 };
    expect(await world.direct("rotate_key", next)).toMatchObject({
      ok: true,
      value: { key_id: next.keyId, name: "reports", scopes: ["workloads:read", "keys:write"], expires_at: null },
    });
    const opens = (keyHash: string, at: number) =>
      world.memory.key({ kind: "customer", customerId: world.customerId }, keyHash, at);
    const end = world.now + 60_000;
    expect(await opens(old.keyHash, end - 1)).not.toBeNull();
    expect(await opens(old.keyHash, end)).toBeNull();
    expect(await opens(next.keyHash, end)).not.toBeNull();
    expect(world.ended).toEqual([`${old.keyId} 60000`]);
  });

  test("that is rotated without an overlap ends what is watched with it, as one that is revoked", async () => {
    const world = new World();
    const [first, second] = [await keyOf(world), await keyOf(world)];
    await world.direct("rotate_key", { ...newKey(), replaced: first.keyId, overlapSeconds: 0 });
    await world.direct("revoke_key", { keyId: second.keyId });
    expect(world.ended).toEqual([`${first.keyId} 0`, `${second.keyId} 0`]);
  });

  test("that is over is not rotated, one that is revoked is revoked again, and an unknown one is neither", async () => {
    const world = new World();
    const { keyId } = await keyOf(world);
    expect(await world.direct("revoke_key", { keyId })).toEqual({ ok: true, value: null });
    expect(await world.direct("revoke_key", { keyId })).toEqual({ ok: true, value: null });
    const rotation = { ...newKey(), replaced: keyId, overlapSeconds: 0 };
    expect(await world.direct("rotate_key", rotation)).toEqual({ ok: false, refusal: { kind: "key_over" } });
    const unknown = { ok: false, refusal: { kind: "unknown_key" } };
    expect(await world.direct("rotate_key", { ...rotation, replaced: ids.key() })).toEqual(unknown);
    expect(await world.direct("revoke_key", { keyId: ids.key() })).toEqual(unknown);
  });

  test("is refused where as many live ones are there, until one ends", async () => {
    const world = new World();
    const { keyId } = await keyOf(world);
    for (let n = 1; n < apiKeysMax; n += 1) await keyOf(world);
    const full = { ok: false, refusal: { kind: "too_many_keys", apiKeysMax } };
    expect(await world.direct("issue_key", newKey())).toEqual(full);
    const rotation = { ...newKey(), replaced: keyId, overlapSeconds: 1 };
    expect(await world.direct("rotate_key", rotation)).toEqual(full);
    expect(await world.direct("rotate_key", { ...rotation, overlapSeconds: 0 })).toMatchObject({ ok: true });
    await world.direct("revoke_key", { keyId: rotation.keyId });
    expect(await world.direct("issue_key", newKey())).toMatchObject({ ok: true });
  });
});

describe("terms", () => {
  test("hold from the next submission on, and the pools hear of the new share", async () => {
    const world = new World({ queueDepthMax: 2, runningMax: 3 });
    await world.submitAll(2);
    expect(await world.submit([{}])).toMatchObject({ ok: false, refusal: { kind: "queue_full" } });
    const overrides = { queue_depth_max: 3, running_max: 11, submits_per_second: null };
    const changed = await world.direct("set_terms", { tier: "premium", overrides }, operator);
    expect(changed).toMatchObject({ ok: true, value: { tier: "premium", limits: { queue_depth_max: 3, weight: 50 } } });
    await world.settled();
    expect(world.pool.last.share).toEqual({ weight: 50, runningMax: 11 });
    expect(await world.submit([{}])).toMatchObject({ ok: true });
    expect(await world.submit([{}])).toMatchObject({ ok: false, refusal: { kind: "queue_full" } });
  });

  test("leave no more in the bucket than the new burst, and no more than was there", async () => {
    const world = new World({ submitsPerSecond: 1, submitBurst: 10, queueDepthMax: 100 });
    await world.submitAll(3);
    await world.direct("set_terms", { overrides: { submits_per_second: 1, submit_burst: 50 } }, operator);
    expect(usageOf(await world.session(), world.now)).toEqual({ running: 0, queued: 3, submit_tokens: 7 });
    await world.direct("set_terms", { overrides: { submits_per_second: 1, submit_burst: 4 } }, operator);
    expect(usageOf(await world.session(), world.now).submit_tokens).toBe(4);
    await world.direct("set_terms", { overrides: { submits_per_second: null } }, operator);
    expect(usageOf(await world.session(), world.now).submit_tokens).toBeNull();
  });

  test("with a higher rate fill the bucket from now on, not for the time before", async () => {
    const world = new World({ submitsPerSecond: 1, submitBurst: 10, queueDepthMax: 100 });
    await world.submitAll(10);
    world.now += 1_000;
    await world.direct("set_terms", { overrides: { submits_per_second: 30, submit_burst: 50 } }, operator);
    expect(usageOf(await world.session(), world.now).submit_tokens).toBe(1);
    world.now += 1_000;
    expect(usageOf(await world.session(), world.now).submit_tokens).toBe(31);
  });

  test("that suspend refuse its own requests, place nothing anew, and let the operator go on", async () => {
    const world = new World();
    await world.submitPlaced(1);
    await world.submitOne();
    await world.direct("set_terms", { suspended: true }, operator);
    await world.settled();
    expect(world.ended).toEqual(["all"]);
    expect(world.pool.last).toMatchObject({ share: { runningMax: 0 }, stops: [] });
    const suspended = { ok: false, refusal: { kind: "customer_suspended" } };
    expect(await world.submit([{}])).toMatchObject(suspended);
    expect(await world.direct("create_type", typeOf("new"))).toEqual(suspended);
    expect((await world.session()).book.heldCount).toBe(1);
    expect(await world.direct("issue_key", newKey(), operator)).toMatchObject({ ok: true });
    await world.direct("set_terms", { suspended: false }, operator);
    await world.settled();
    expect(world.pool.last.share.runningMax).toBeGreaterThan(0);
    expect(await world.submit([{}])).toMatchObject({ ok: true });
  });

  test("that are not named stay", async () => {
    const world = new World();
    await world.direct("set_terms", { name: "new name" }, operator);
    const kept = { name: "new name", tier: "standard", overrides: { submits_per_second: null }, suspended: false };
    expect(await world.memory.customer(world.customerId)).toMatchObject(kept);
  });
});

describe("a change under an idempotency key", () => {
  test("is made once, and answered again as it was", async () => {
    const world = new World();
    const first = await world.direct("create_type", typeOf("new"), under("k"));
    expect(first).toMatchObject({ ok: true });
    expect(await world.direct("create_type", typeOf("new"), under("k"))).toEqual(first);
    expect(await world.direct("create_type", typeOf("new"))).toMatchObject({ ok: false });
  });

  test("is made once when it comes twice at once", async () => {
    const world = new World();
    const both = await Promise.all([
      world.direct("issue_key", newKey(), under("k")),
      world.direct("issue_key", newKey(), under("k")),
    ]);
    expect(both[1]).toEqual(both[0]);
    expect(await world.memory.countLiveKeys(world.customerId, world.now)).toBe(1);
  });

  test("of the operator is none of the customer's, who may have used the same one", async () => {
    const world = new World();
    const own = await world.direct("create_type", typeOf("new"), under("k", "own"));
    const issued = await world.direct("issue_key", newKey(), { ...operator, ...under("k", "theirs") });
    expect([own.ok, issued.ok]).toEqual([true, true]);
    expect(await world.direct("issue_key", newKey(), { ...operator, ...under("k", "theirs") })).toEqual(issued);
    await world.direct("issue_key", newKey(), { ...operator, ...under("first", "theirs") });
    expect(await world.direct("create_type", typeOf("newer"), under("first", "own"))).toMatchObject({ ok: true });
    expect(await world.submit([{}], "first", "other")).toMatchObject({ refusal: { kind: "idempotency_conflict" } });
  });

  test("is answered again when its answer was lost with the session", async () => {
    const world = new World();
    const what = newKey();
    world.weather = "lost";
    expect(await world.direct("issue_key", what, under("k"))).toMatchObject({
      ok: false,
      refusal: { kind: "unavailable" },
    });
    world.weather = "fine";
    expect(await world.direct("issue_key", newKey(), under("k"))).toMatchObject({
      ok: true,
      value: { key_id: what.keyId },
    });
  });

  test("is no other request, and no submission", async () => {
    const world = new World();
    await world.direct("create_type", typeOf("new"), under("k"));
    const conflict = { ok: false, refusal: { kind: "idempotency_conflict" } };
    expect(await world.direct("create_type", typeOf("new"), under("k", "b"))).toEqual(conflict);
    expect(await world.submit([{}], "k", "c")).toEqual(conflict);
    await world.submit([{}], "s", "a");
    expect(await world.direct("create_type", typeOf("other"), under("s", "b"))).toEqual(conflict);
  });

  test("that was refused is not remembered", async () => {
    const world = new World();
    const type = typeOf("new");
    await world.direct("create_type", type);
    expect(await world.direct("create_type", typeOf("new"), under("k"))).toMatchObject({ ok: false });
    await world.direct("delete_type", type);
    expect(await world.direct("create_type", typeOf("new"), under("k"))).toMatchObject({ ok: true });
  });
});

/** Who watches is told everything, once, in order: also over a lost line, and over a coordinator that was killed. */
import { EventSource } from "eventsource";
import { expect, test } from "vitest";
import { type LiveMessage, liveMessageSchema } from "../../schema/http/live.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { createIdSource, secureRandom } from "../../schema/ids.ts";
import { expectAllKept, type Journey, journeys, openGate, partExit } from "../support/journey.ts";
import { Occurrences } from "../support/occurrences.ts";
import { eventsIn, linesIn, refusedUpgrade, Stream, trailAs } from "../support/stream.ts";
import { atRest, trafficSchema } from "../support/traffic.ts";

const steps = 6;
const holdAt = 3;
const idleWatchers = 1_000;
const settleMsMax = 20_000;

const { begin } = journeys({ leaseSeconds: 30, heartbeatSeconds: 1 });
const ids = createIdSource(Date.now, secureRandom);

/** A workload of six steps, each with a checkpoint and a line, that waits at a gate after the third. */
async function stepping(journey: Journey) {
  const { client, affinity: affinity_rules, stack, key: token } = journey;
  const all = await Stream.open(stack.dev.api_url, { token });
  const gate = journey.gate();
  const input_params = { gate, steps, hold_at: holdAt };
  const workloadId = await client.submit({ workload_type: "journey.add", input_params, affinity_rules });
  const one = await Stream.open(stack.dev.api_url, { token, workloadId });
  await journey.agent({ slots: 1 });
  await one.messages.until((message) => message.type === "log_line" && message.message === `step ${holdAt}`);
  return { all, one, gate, workloadId, watched: { token, workloadId } };
}

async function expectWhole({ client }: Journey, workloadId: WorkloadId, ...parts: readonly Stream[]): Promise<void> {
  const messages = parts.flatMap((part) => part.messages.all);
  const trail = trailAs(await client.audit(workloadId));
  expect(eventsIn(messages, workloadId, parts[0]?.messages.all[0]?.cursor ?? "")).toEqual(trail.slice(1));
  expect(linesIn(messages)).toEqual(Array.from({ length: steps }, (_, step) => `step ${step + 1}`));
  expect(messages.at(-1)?.type).toBe("completed");
}

test("a stream tells the audit trail and the log in order, and whoever heard of the end can read it", async () => {
  const journey = await begin();
  const { one, all, gate, workloadId } = await stepping(journey);
  openGate(gate);
  const end = await one.messages.until(({ type }) => type === "completed");
  expect(await journey.client.get(workloadId)).toMatchObject({ status: "COMPLETED" });
  expect(end).toMatchObject({ result_data: { sum: 21 } });
  await expectWhole(journey, workloadId, one);
  await all.messages.until(({ type }) => type === "completed");
  const trail = trailAs(await journey.client.audit(workloadId));
  expect(eventsIn(all.messages.all, workloadId, all.messages.all[0]?.cursor ?? "")).toEqual(trail);
  all.leave();
  await expectAllKept(journey, [workloadId]);
});

test("a stream that was lost goes on after its cursor: nothing is lost, nothing comes twice", async () => {
  const journey = await begin();
  const { one, gate, workloadId, watched } = await stepping(journey);
  one.leave();
  await one.closed.until(() => true);
  const { cursor } = one;
  openGate(gate);
  await journey.client.untilStatus(workloadId, "COMPLETED");
  const rest = await Stream.open(journey.stack.dev.api_url, { ...watched, cursor });
  await rest.messages.until(({ type }) => type === "completed");
  await expectWhole(journey, workloadId, one, rest);
});

test("a stream goes on after its cursor when the coordinator was killed in the middle", async () => {
  const journey = await begin();
  const { one, gate, workloadId, watched } = await stepping(journey);
  const gone = partExit(journey.stack, "coordinator");
  journey.stack.kill("coordinator");
  await Promise.all([gone, one.closed.until(() => true)]);
  await journey.stack.start("coordinator");
  const rest = await Stream.open(journey.stack.dev.api_url, { ...watched, cursor: one.cursor });
  openGate(gate);
  await rest.messages.until(({ type }) => type === "completed");
  await expectWhole(journey, workloadId, one, rest);
  await expectAllKept(journey, [workloadId]);
});

test("server-sent events tell the same, go on after the last one, and are not begun again after the end", async () => {
  const journey = await begin();
  const { gate, workloadId, one } = await stepping(journey);
  const messages = new Occurrences<LiveMessage>();
  const failures = new Occurrences<number | undefined>();
  const withKey = (url: string | URL, init: RequestInit) =>
    fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${journey.key}` } });
  const cursor = one.messages.all[0]?.cursor ?? "";
  const url = `${journey.stack.dev.api_url}/v1/workloads/${workloadId}/events?cursor=${cursor}`;
  const source = new EventSource(url, { fetch: withKey });
  for (const type of ["hello", "status_update", "log_line", "checkpoint", "completed"])
    source.addEventListener(type, ({ data }) => messages.add(liveMessageSchema.parse(JSON.parse(data))));
  source.addEventListener("error", ({ code }) => failures.add(code));
  await messages.until((message) => message.type === "log_line" && message.message === `step ${holdAt}`);
  openGate(gate);
  await messages.until(({ type }) => type === "completed");
  // It connects again by itself, with the last id, and is told that nothing will follow.
  expect(await failures.until((code) => code !== undefined)).toBe(204);
  expect(source.readyState).toBe(EventSource.CLOSED);
  expect(messages.all.map(({ cursor: at }) => at)).toEqual([...new Set(messages.all.map(({ cursor: at }) => at))]);
  expect(linesIn(messages.all)).toHaveLength(steps);
});

test("progress never goes back, and comes between the audited steps too", async () => {
  const journey = await begin();
  const { client, affinity: affinity_rules, stack, key: token } = journey;
  const input_params = { duration_ms: 2_000, step_ms: 50 };
  const workloadId = await client.submit({ workload_type: "sleep", input_params, affinity_rules });
  const stream = await Stream.open(stack.dev.api_url, { token, workloadId });
  await journey.agent({ slots: 1 });
  await stream.messages.until(({ type }) => type === "completed");
  const percents = stream.messages.all.flatMap((message) =>
    message.type === "status_update" && message.status === "RUNNING" ? [message.progress_percent] : [],
  );
  expect(percents).toEqual([...percents].sort((a, b) => a - b));
  const audited = (await client.audit(workloadId)).filter(({ event_type }) => /progress|started/.test(event_type));
  expect(percents.length).toBeGreaterThan(audited.length);
});

test("a thousand watchers cost no query while nothing happens", async () => {
  const { stack, key: token, client, affinity: affinity_rules } = await begin();
  const workloadId = await client.submit({ workload_type: "noop", affinity_rules });
  const traffic = async () => trafficSchema.parse(await (await fetch(`${stack.dev.gateway_url}/stats`)).json());
  const streams = await Promise.all(
    Array.from({ length: idleWatchers }, (_, index) =>
      Stream.open(stack.dev.api_url, index % 2 === 0 ? { token } : { token, workloadId }),
    ),
  );
  const queries = async () => (await traffic()).queries;
  const queriesOfPings = async () => {
    const before = await queries();
    for (const stream of streams) stream.say("ping");
    await Promise.all(streams.map(({ answers }) => answers.next((answer) => answer === "pong")));
    return (await queries()) - before;
  };
  // Each looks once, when it begins, for what was committed meanwhile.
  await atRest(traffic);
  await expect.poll(queriesOfPings, { timeout: settleMsMax }).toBe(0);
  expect(await queriesOfPings()).toBe(0);
  await client.cancel(workloadId);
  await Promise.all(
    streams.map(({ messages }) => messages.until((message) => "status" in message && message.status === "CANCELLED")),
  );
  for (const stream of streams) stream.leave();
});

test("a token may come in the first message; without a good one nothing is told", async () => {
  const { stack, key: token, client, affinity: affinity_rules } = await begin();
  const workloadId = await client.submit({ workload_type: "noop", affinity_rules });
  const say = async (stream: Stream, text: string) => {
    await stream.opened;
    stream.say(text);
    return stream;
  };
  const good = await say(new Stream(stack.dev.api_url, { workloadId }), JSON.stringify({ token }));
  await good.messages.until(({ type }) => type === "hello");
  await client.cancel(workloadId);
  expect(await good.closed.until(() => true)).toBe(1000);
  for (const text of [JSON.stringify({ token: `${token}0` }), JSON.stringify({ token: "" })]) {
    const bad = await say(new Stream(stack.dev.api_url, { workloadId }), text);
    expect([await bad.closed.until(() => true), bad.messages.all, bad.answers.all]).toEqual([4401, [], []]);
  }
  const mute = await say(new Stream(stack.dev.api_url, { workloadId }), "let me in");
  expect(await mute.closed.until(() => true)).toBe(4408);
});

test("another customer's workload is answered like one that does not exist", async () => {
  const [mine, other] = [await begin(), await begin()];
  const foreign = await other.client.submit({ workload_type: "noop", affinity_rules: other.affinity });
  const { api_url: url } = mine.stack.dev;
  const answers = [];
  for (const workloadId of [foreign, ids.workload()]) {
    const refused = await refusedUpgrade(url, { token: mine.key, workloadId });
    const stream = new Stream(url, { workloadId });
    await stream.opened;
    stream.say(JSON.stringify({ token: mine.key }));
    const closed = await stream.closed.until(() => true);
    const body = refused.body.replace(/req_[0-9a-f-]+/, "");
    answers.push({ status: refused.status, body, closed, said: stream.answers.all });
  }
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]).toMatchObject({ status: 404, closed: 4404, said: ["NOT_FOUND"] });
  expect((await refusedUpgrade(url, { token: mine.key, cursor: "nonsense" })).status).toBe(400);
  expect((await refusedUpgrade(url, { token: "nonsense" })).status).toBe(401);
  await other.client.cancel(foreign);
});

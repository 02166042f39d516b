/** The coordinator, the broker or the database is killed in mid-run and comes back: nothing is lost, nothing runs twice. */
import { expect, test } from "vitest";
import type { WorkloadId } from "../../schema/ids.ts";
import type { Submission } from "../support/client.ts";
import { expectAllKept, type Journey, journeys, openGate, partExit } from "../support/journey.ts";

const slotsEach = 25;
const running = 2 * slotsEach;
const queued = 40;
const keysMin = 30;

/** A lease that outlives every outage here: then no attempt may be burnt. */
const { begin } = journeys({ leaseSeconds: 30, heartbeatSeconds: 1 });

/** Fills every slot with work that waits for the gate, and a queue behind it. */
async function busy(journey: Journey) {
  const { client, affinity: affinity_rules } = journey;
  await Promise.all([journey.agent({ slots: slotsEach }), journey.agent({ slots: slotsEach })]);
  const gate = journey.gate();
  const body: Submission = { workload_type: "journey.wait", input_params: { gate }, affinity_rules };
  const ids = await client.submitBatch(Array.from({ length: running + queued }, () => body));
  await client.untilCount("RUNNING", running);
  return { gate, body, ids };
}

async function kill({ stack }: Journey, part: "coordinator" | "nats" | "postgres"): Promise<void> {
  const gone = partExit(stack, part);
  stack.kill(part);
  await gone;
}

/** Each ran once, in one attempt: the outage cost nobody anything. */
async function expectAllAtOnce(journey: Journey, ids: readonly WorkloadId[]): Promise<void> {
  for (const id of ids) {
    const done = await journey.client.untilStatus(id, "COMPLETED");
    expect(done).toMatchObject({ generation: 1, retry_count: 0, death_count: 0, result_data: { by: 1 } });
  }
  await expectAllKept(journey, ids);
}

test("the coordinator is killed while work runs and waits, and work ends meanwhile", async () => {
  const journey = await begin();
  const { gate, ids } = await busy(journey);
  await kill(journey, "coordinator");
  openGate(gate);
  await journey.stack.start("coordinator");
  await expectAllAtOnce(journey, ids);
});

test("the coordinator is killed, and comes back while work still runs", async () => {
  const journey = await begin();
  const { client } = journey;
  const { gate, ids, body } = await busy(journey);
  await kill(journey, "coordinator");
  await journey.stack.start("coordinator");
  const late = await client.submitSurely(body, "late");
  expect(await client.count("RUNNING")).toBe(running);
  openGate(gate);
  await expectAllAtOnce(journey, [...ids, late]);
});

test("the broker is killed while work runs and waits", async () => {
  const journey = await begin();
  const { client } = journey;
  const { gate, ids, body } = await busy(journey);
  await kill(journey, "nats");
  openGate(gate);
  const meanwhile = await client.submitSurely(body, "meanwhile");
  await journey.stack.start("nats");
  await expectAllAtOnce(journey, [...ids, meanwhile]);
});

test("the database is killed while work runs, waits and comes in", async () => {
  const journey = await begin();
  const { client, stack } = journey;
  const { gate, ids, body } = await busy(journey);
  const traffic = submitOnAndOn(journey, body);
  await traffic.accepted(keysMin);
  await kill(journey, "postgres");
  openGate(gate);
  await traffic.unanswered();
  await stack.start("postgres");
  await traffic.accepted(keysMin);
  const byKey = await traffic.stop();
  const all = [...ids, ...byKey.values()];
  await expectAllAtOnce(journey, all);
  const found = await client.list({ label: "traffic", count: "true", limit: "1" });
  expect(found.pagination.total).toBe(byKey.size);
});

/** One submission after the other, each under its own key, sent again until it is answered with a 2xx. */
function submitOnAndOn({ client }: Journey, body: Submission) {
  const byKey = new Map<string, WorkloadId>();
  const stopped = new AbortController();
  let unanswered = 0;
  const work = (async () => {
    for (let n = 1; !stopped.signal.aborted; n += 1) {
      const key = `key-${n}`;
      const one = { ...body, labels: { traffic: key } };
      const first = client.submit(one, key).catch(() => {
        unanswered += 1;
        return client.submitSurely(one, key);
      });
      byKey.set(key, await first);
    }
  })();
  return {
    async accepted(more: number) {
      const goal = byKey.size + more;
      await client.until(
        `${more} more to be accepted`,
        async () => byKey.size,
        (size) => size >= goal,
      );
    },
    unanswered: () =>
      client.until(
        "a submission without an answer",
        async () => unanswered,
        (count) => count > 0,
      ),
    async stop() {
      stopped.abort();
      await work;
      return byKey;
    },
  };
}

/** The coordinator, the broker or the database is killed in mid-run and comes back: nothing is lost, nothing runs twice. */
import { describe, expect, test } from "vitest";
import type { FixedPartName } from "../../infra/local/stack.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import type { Submission } from "../support/client.ts";
import { expectAllKept, type Journey, journeys, openGate, partExit } from "../support/journey.ts";

const slotsEach = 25;
const running = 2 * slotsEach;
const queued = 40;
const keysMin = 30;

/** A lease that outlives every outage here; test/journey/silence.test.ts has the others. */
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

async function kill({ stack }: Journey, part: FixedPartName): Promise<void> {
  const gone = partExit(stack, part);
  stack.kill(part);
  await gone;
}

/** No worker died and nothing failed: the outage is held against nobody. */
async function expectAllCompleted(journey: Journey, ids: readonly WorkloadId[]): Promise<void> {
  for (const id of ids) {
    const done = await journey.client.untilStatus(id, "COMPLETED");
    expect(done).toMatchObject({ retry_count: 0, death_count: 0 });
  }
  await expectAllKept(journey, ids);
}

describe.each(["coordinator", "nats", "gateway", "postgres"] as const)("when the %s is killed", (part) => {
  test("work that runs goes on, and work that waits comes after it", async () => {
    const journey = await begin();
    const { client } = journey;
    const { gate, ids, body } = await busy(journey);
    const held = (await client.list({ status: "RUNNING", limit: String(running) })).workloads;
    await kill(journey, part);
    await journey.stack.start(part);
    const late = await client.submitSurely(body, "late");
    openGate(gate);
    await expectAllCompleted(journey, [...ids, late]);
    for (const { workload_id, generation } of held) {
      expect((await client.get(workload_id)).result_data).toEqual({ by: generation });
    }
  });

  test("in the thick of it, nothing is lost and nothing ends twice", async () => {
    const journey = await begin();
    const { client } = journey;
    const { gate, ids } = await busy(journey);
    openGate(gate);
    await client.untilCount("COMPLETED", 1);
    await kill(journey, part);
    await journey.stack.start(part);
    await expectAllCompleted(journey, ids);
  });

  test("submissions that got an answer are there, and those that got none exist once", async () => {
    const journey = await begin();
    const { client, stack } = journey;
    await journey.agent();
    const traffic = submitOnAndOn(journey, { workload_type: "noop", affinity_rules: journey.affinity });
    await traffic.accepted(keysMin);
    await kill(journey, part);
    if (part !== "nats") await traffic.unanswered(); // submitting needs no broker
    await stack.start(part);
    await traffic.accepted(keysMin);
    const byKey = await traffic.stop();
    await expectAllCompleted(journey, [...byKey.values()]);
    const { pagination } = await client.list({ label: "traffic", count: "true", limit: "1" });
    expect(pagination.total).toBe(byKey.size);
  });
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

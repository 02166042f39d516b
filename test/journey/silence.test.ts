/** The broker is away for longer than a lease: everybody is told so, and no worker is taken for dead of it. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Ready, readySchema } from "../../schema/http/health.ts";
import { freezeProcess } from "../support/frozen.ts";
import { expectAllKept, type Journey, journeys, openGate, partExit, workerOf } from "../support/journey.ts";
import { Operator } from "../support/operator.ts";

const leaseSeconds = 3;
const { begin } = journeys({ leaseSeconds, heartbeatSeconds: 1 });
/** Long enough for two leases to end and be looked at, if anybody took the silence for that of the workers. */
const outageMs = 3 * leaseSeconds * 1_000;

const ready = async ({ stack }: Journey): Promise<Ready> =>
  readySchema.parse(await (await fetch(`${stack.dev.api_url}/ready`)).json());

const untilReady = (journey: Journey, broker: Ready["dependencies"]["broker"]) =>
  journey.client.until(
    `the broker to be ${broker}`,
    () => ready(journey),
    ({ dependencies }) => dependencies.broker === broker,
  );

const nowhere = { hard_affinity: { worker_tags: { zone: "nowhere" } } };

/** How the broker goes away, and how it comes back. */
interface Outage {
  begin(journey: Journey): Promise<void>;
  end(journey: Journey): Promise<void>;
}

const killed: Outage = {
  async begin({ stack }) {
    const gone = partExit(stack, "nats");
    stack.kill("nats");
    await gone;
  },
  end: ({ stack }) => stack.start("nats"),
};

const frozen: Outage = {
  begin: ({ stack }) => freezeProcess(stack.dev.processes.nats ?? 0),
  end: async ({ stack }) => stack.kill("nats", "SIGCONT"),
};

test.each([
  ["killed", killed],
  ["frozen", frozen],
] as const)(
  "a broker that is %s for longer than a lease buries nobody, and work goes on after it",
  async (_, outage) => {
    const journey = await begin();
    const { client, stack, affinity: affinity_rules } = journey;
    const workers = (await Promise.all([journey.agent(), journey.agent()])).map(workerOf).sort();
    const gate = journey.gate();
    const body = { workload_type: "journey.add", input_params: { steps: 10, hold_at: 5, gate }, affinity_rules };
    const running = await client.submit(body);
    await client.untilAudit(running, "workload.checkpoint_created", 5);
    await outage.begin(journey);
    await untilReady(journey, "unavailable");
    expect(await ready(journey)).toEqual({
      status: "unavailable",
      dependencies: { database: "ok", broker: "unavailable", leader: "ok" },
    });
    const late = await client.submit({ workload_type: "noop", affinity_rules });
    const waiting = await client.submit({ workload_type: "noop", affinity_rules: nowhere });
    await delay(outageMs);
    await expect(client.explain(waiting)).rejects.toMatchObject({
      status: 503,
      message: expect.stringContaining("broker"),
    });
    await outage.end(journey);
    await untilReady(journey, "ok");
    openGate(gate);
    await client.untilStatus(late, "COMPLETED");
    const done = await client.untilStatus(running, "COMPLETED");
    expect(done).toMatchObject({ retry_count: 0, death_count: 0, result_data: { sum: 55, resumed_from: 5 } });
    await client.cancel(waiting);
    const operator = new Operator(stack.dev);
    expect(await operator.workers({ status: "DEAD" })).toEqual([]);
    const there = (await operator.workers({ status: "HEALTHY" })).map(({ worker_id }) => worker_id);
    expect(there.filter((worker) => workers.includes(worker)).sort()).toEqual(workers);
    await expectAllKept(journey, [running, late, waiting]);
  },
);

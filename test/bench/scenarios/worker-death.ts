/** From the kill -9 of a worker to its workload running again on another one. */
import { heartbeatFor } from "../../../infra/local/dev-flags.ts";
import type { Stack } from "../../../infra/local/stack.ts";
import { leaseSecondsDefault } from "../../../schema/limits.ts";
import { createClient, moment } from "../client.ts";
import type { Measurement, Report, Surroundings } from "../scenario.ts";
import { median, rounded } from "../statistics.ts";

const shortLeaseSeconds = 3;
const marginSeconds = 2;
const long = { workload_type: "sleep", input_params: { duration_ms: 600_000, step_ms: 250 } };

export async function workerDeath(around: Surroundings): Promise<Report> {
  const short = await rounds(around, shortLeaseSeconds, around.quick ? 1 : 3);
  const usual = around.quick ? [] : await rounds(around, leaseSecondsDefault, 1);
  return {
    measurements: [
      ...measurement(shortLeaseSeconds, short),
      ...(usual.length === 0 ? [] : measurement(leaseSecondsDefault, usual)),
    ],
    details: { lease_3_s: short.map(rounded), lease_15_s: usual.map(rounded) },
  };
}

const measurement = (leaseSeconds: number, seconds: readonly number[]): Measurement[] => [
  {
    what: `kill -9 of a worker to running again, lease ${leaseSeconds} s, median of ${seconds.length}`,
    ...{ unit: "s", better: "lower", value: median(seconds), least: 60, aimed: leaseSeconds + marginSeconds },
  },
];

async function rounds({ stack, signal, say }: Surroundings, leaseSeconds: number, count: number): Promise<number[]> {
  const heartbeatSeconds = heartbeatFor(leaseSeconds);
  await using running = await stack({ leaseSeconds, heartbeatSeconds, restart: false, slots: 10, drainSeconds: 1 });
  const seconds: number[] = [];
  for (let round = 0; round < count; round += 1) {
    say(`kill -9 of a worker, lease ${leaseSeconds} s, ${round + 1} of ${count}`);
    seconds.push(await once(running, signal));
  }
  return seconds;
}

/** The place of the dead worker is filled again, so that each round finds two. */
async function once(running: Stack, signal: AbortSignal): Promise<number> {
  const client = createClient(running.dev.api_url, running.dev.customer_key, 1);
  const { id } = await client.submit(long);
  const before = await client.until(id, ({ status }) => status === "RUNNING", signal);
  if (before.worker_id === null) throw new Error(`the workload ${id} runs nowhere`);
  const killedAt = moment();
  running.kill(before.worker_id);
  const moved = await client.until(
    id,
    ({ status, worker_id }) => status === "RUNNING" && worker_id !== before.worker_id,
    signal,
  );
  await client.send("POST", `/v1/workloads/${id}/cancel`, "{}");
  client.close();
  await running.addAgent();
  return (moved.at - killedAt) / 1_000;
}

/** From the kill -9 of the control plane to the next workload started by the one that replaces it. */
import { setTimeout as delay } from "node:timers/promises";
import type { Stack } from "../../../infra/local/stack.ts";
import { createClient, moment, noop } from "../client.ts";
import type { Report, Surroundings } from "../scenario.ts";
import { median, rounded } from "../statistics.ts";
import { openPostgres, type Postgres } from "../trail.ts";

const askAgainMs = 10;

/** Seconds since the kill. */
interface Recovery {
  readonly ready: number;
  readonly accepted: number;
  readonly started: number;
}

export async function coordinatorDeath({ stack, signal, say, quick }: Surroundings): Promise<Report> {
  await using running = await stack({ restart: false, slots: 10 });
  await using postgres = await openPostgres(running.dev);
  const recoveries: Recovery[] = [];
  const count = quick ? 1 : 3;
  for (let round = 0; round < count; round += 1) {
    say(`kill -9 of the coordinator, ${round + 1} of ${count}`);
    recoveries.push(await once(running, postgres, signal));
  }
  const started = median(recoveries.map((recovery) => recovery.started));
  const sinceReady = median(recoveries.map((recovery) => recovery.started - recovery.ready));
  return {
    measurements: [
      {
        what: `kill -9 of the coordinator to the next workload started, median of ${count}`,
        ...{ unit: "s", better: "lower", value: started, least: 30, aimed: 2 },
      },
      {
        what: "of that: from the new one listening to the workload started",
        ...{ unit: "s", better: "lower", value: sinceReady },
      },
    ],
    details: { recoveries },
  };
}

async function once(running: Stack, postgres: Postgres, signal: AbortSignal): Promise<Recovery> {
  const { api_url, customer_key } = running.dev;
  const warm = createClient(api_url, customer_key, 1);
  const before = await warm.submit(noop);
  await warm.until(before.id, ({ status }) => status === "COMPLETED", signal);
  warm.close();
  const killedAt = moment();
  running.kill("coordinator");
  const ready = running.start("coordinator").then(moment);
  const accepted = await submitUntilAccepted(api_url, customer_key, signal);
  await postgres.untilNoneOpen(signal);
  const times = await postgres.timesOf([accepted.id]);
  const since = (at: number) => rounded((at - killedAt) / 1_000);
  const startedAt = times.get(accepted.id)?.startedAt ?? Number.NaN;
  return { ready: since(await ready), accepted: since(accepted.receivedAt), started: since(startedAt) };
}

/** A fresh connection each time: nobody listens at first. */
async function submitUntilAccepted(apiUrl: string, key: string, signal: AbortSignal) {
  for (;;) {
    const client = createClient(apiUrl, key, 1);
    try {
      return await client.submit(noop);
    } catch (error) {
      signal.throwIfAborted();
      if (!isAbsence(error)) throw error;
      await delay(askAgainMs, undefined, { signal });
    } finally {
      client.close();
    }
  }
}

const absences = ["ECONNREFUSED", "ECONNRESET"];
const isAbsence = (error: unknown): boolean =>
  error instanceof Error && ("code" in error ? absences.includes(String(error.code)) : error.message.includes("503"));

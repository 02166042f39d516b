/** A minute with agents connected and nothing to do: how many queries reach Postgres. */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Stack } from "../../../infra/local/stack.ts";
import { createClient, noop } from "../client.ts";
import { cpuBetween, usageOf } from "../processes.ts";
import type { Report, Surroundings } from "../scenario.ts";

const agents = 10;
const idleMs = 60_000;
/** The pool's last look after work, and the closing of its socket, fall into the minutes that are measured. */
const minutes = 2;
const statsSchema = z.object({ queries: z.int() });

export async function idle({ stack, signal, say, quick }: Surroundings): Promise<Report> {
  await using running = await stack({ agents, slots: 10 });
  const client = createClient(running.dev.api_url, running.dev.customer_key, 1);
  const { id } = await client.submit(noop);
  await client.until(id, ({ status }) => status === "COMPLETED", signal);
  client.close();
  const counts: number[] = [];
  const before = usageOf(running.dev);
  for (let minute = 1; minute <= (quick ? 1 : minutes); minute += 1) {
    say(`idle minute ${minute}, ${agents} agents connected, cron ticking`);
    counts.push(await queriesDuring(running, idleMs, signal));
  }
  const cpu = cpuBetween(before, usageOf(running.dev));
  return {
    measurements: [
      {
        what: `Postgres queries in an idle minute, ${agents} agents connected, at most`,
        ...{ unit: "queries", better: "lower", value: Math.max(...counts), least: 3, aimed: 0 },
      },
    ],
    details: { queries_by_minute: counts, cpu_ms: cpu },
  };
}

async function queriesDuring(running: Stack, ms: number, signal: AbortSignal): Promise<number> {
  const before = await queries(running, signal);
  await delay(ms, undefined, { signal });
  return (await queries(running, signal)) - before;
}

async function queries({ dev }: Stack, signal: AbortSignal): Promise<number> {
  const reply = await fetch(`${dev.gateway_url}/stats`, { signal });
  return statsSchema.parse(await reply.json()).queries;
}

/** Rows of workers: what can never be stored holds up nobody else's. */
import { expect, test } from "vitest";
import { WorkerRows } from "../../../functions/scheduler/worker-rows.ts";
import { createMemoryStore } from "../../../functions/store/memory/memory-store.ts";
import { createLog } from "../../../functions/telemetry/log.ts";
import { registrationSchema } from "../../../schema/messages/to-coordinator.ts";
import { t0 } from "../../support/records.ts";
import { workerId } from "../domain/pool-builder.ts";
import { registrationOf } from "./pool.ts";

const numbers = [1, 2, 3];

test("the row that Postgres refuses is given up, and those beside it are written", async () => {
  const store = createMemoryStore();
  const [work, lines]: [Promise<unknown>[], string[]] = [[], []];
  const rows = new WorkerRows({
    ...{ pool: "default", store, now: () => t0 },
    log: createLog({ level: "error", clock: () => t0, write: (line) => lines.push(line) }),
    registration: (id) => ({ ...registrationOf(1, 1), worker_id: id, version: id === workerId(2) ? "a\u0000b" : "1" }),
    background: (one) => work.push(one),
    giveUp: () => expect.unreachable(),
  });
  for (const number of numbers) rows.put(workerId(number), "HEALTHY", "worker.registered", {});
  await Promise.all(work);
  const written = await store.workers({ limit: 10 });
  expect(written.map((one) => one.workerId)).toEqual([workerId(3), workerId(1)]);
  expect(lines).toEqual([expect.stringContaining(workerId(2))]);
});

test.each([{ version: "a\u0000b" }, { tags: { zone: "a\u0000b" } }, { tags: { "\ud800": "a" } }])(
  "a registration with text that cannot be stored is not understood: %j",
  (wrong) => {
    expect(registrationSchema.safeParse(registrationOf(1, 1)).success).toBe(true);
    expect(registrationSchema.safeParse({ ...registrationOf(1, 1), ...wrong }).success).toBe(false);
  },
);

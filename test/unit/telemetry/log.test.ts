/** Log lines: JSON with the same field names everywhere. */
import { expect, it } from "vitest";
import { createLog } from "../../../functions/telemetry/log.ts";
import type { LogLevel } from "../../../schema/status.ts";

function open(level: LogLevel = "info") {
  const lines: string[] = [];
  const log = createLog({ level, clock: () => 0, write: (line) => lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? "null") };
}

it("writes one JSON line an event, with time, level and component first", () => {
  const { log, lines } = open();
  log.info({ component: "api", workload_id: "wl_1" }, "accepted");
  expect(lines).toEqual([
    '{"timestamp":"1970-01-01T00:00:00.000Z","level":"info","component":"api","message":"accepted","workload_id":"wl_1"}',
  ]);
});

it("keeps a line a line, whatever is in it", () => {
  const { log, lines } = open();
  log.info({ text: "a\nb\u2028c" }, "100 %s\n%d");
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain("\n");
});

it("gives a child's fields to each of its lines", () => {
  const { log, last } = open();
  log.child({ component: "store", customer_id: "cust_1" }).child({ pool: "gpu" }).warn({ rows: 2n }, "slow");
  expect(last()).toMatchObject({ level: "warn", component: "store", customer_id: "cust_1", pool: "gpu", rows: "2" });
});

it("writes errors with their causes", () => {
  const { log, last } = open();
  log.error({ err: new TypeError("outer", { cause: new Error("inner") }) }, "failed");
  expect(last().err).toMatchObject({ type: "TypeError", message: "outer", cause: { type: "Error", message: "inner" } });
});

it("writes what is at its level or above", () => {
  const { log, lines } = open("warn");
  log.debug({}, "a");
  log.info({}, "b");
  log.warn({}, "c");
  expect(lines).toHaveLength(1);
});

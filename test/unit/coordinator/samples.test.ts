/** Measurements that wait: sums and observations, in bounded memory. */
import { expect, test } from "vitest";
import { Samples } from "../../../functions/coordinator/samples.ts";
import type { Sample } from "../../../functions/domain/sample.ts";
import { samplesMax } from "../../../schema/limits.ts";

const counted = (status: string, value: number): Sample => ({
  counter: "niyanta_workload_submissions_total",
  labels: { status },
  value,
});
const observed = (value: number): Sample => ({ histogram: "niyanta_scheduling_latency_seconds", labels: {}, value });

test("counters are summed for each set of labels, observations are kept, and all are told once", () => {
  const samples = new Samples();
  samples.addAll([counted("accepted", 1), observed(1), counted("queue_full", 5), counted("accepted", 2), observed(1)]);
  expect(samples.take()).toEqual([counted("accepted", 3), counted("queue_full", 5), observed(1), observed(1)]);
  expect(samples.take()).toEqual([]);
});

test("neither observations nor sets of labels pile up without bound", () => {
  const samples = new Samples();
  for (let index = 0; index < samplesMax + 10; index += 1) samples.addAll([observed(index), counted(`${index}`, 1)]);
  samples.add(counted("0", 1));
  const taken = samples.take();
  expect(taken.length).toBe(2 * samplesMax);
  expect(taken[0]).toEqual(counted("0", 2));
});

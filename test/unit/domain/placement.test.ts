/** Placement: safe for workers and caps, work conserving, and the same answer as the plain reading of the rules. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fits } from "../../../functions/domain/fit.ts";
import { type Placed, placeAll } from "../../../functions/domain/placement.ts";
import { occupy, placeNaively } from "./naive-placement.ts";
import { pool } from "./pool-arbitrary.ts";
import { copyOf, customer, item, items, type Pool, worker, workerId } from "./pool-builder.ts";

const numRuns = 2_000;
const place = ({ waiting, candidates }: Pool, limit?: number): Placed[] => placeAll(waiting, candidates, limit);
const named = (placed: readonly Placed[]) => placed.map(({ workloadId, workerId }) => [workloadId, workerId]);

/** Starts one placement after the other on a pool that has not seen the pass, with every rule checked at each. */
function replay(before: Pool, placed: readonly Placed[]): void {
  for (const { customerId, workerId, item } of placed) {
    const owner = before.waiting.find((one) => one.customerId === customerId);
    const host = before.candidates.find((one) => one.workerId === workerId);
    if (owner === undefined || host === undefined) throw new Error("placed for nobody or nowhere");
    expect(owner.held).toBeLessThan(owner.runningMax);
    expect(fits(item, host, customerId)).toBeNull();
    owner.held += 1;
    occupy(host, item, customerId);
  }
}

describe("placement", () => {
  it("never exceeds slots or caps, and never breaks affinity or resources, at any step", () => {
    fc.assert(
      fc.property(pool, (given) => {
        const before = copyOf(given);
        replay(before, place(given));
        expect(given).toEqual(before);
      }),
      { numRuns },
    );
  });

  it("leaves nothing that would fit while its customer is below its cap", () => {
    fc.assert(
      fc.property(pool, (given) => {
        const started = new Set(place(given).map(({ workloadId }) => workloadId));
        const below = given.waiting.filter(({ held, runningMax }) => held < runningMax);
        for (const { customerId, items } of below) {
          const left = items.filter(({ workloadId }) => !started.has(workloadId));
          const fitting = left.filter((one) => given.candidates.some((host) => fits(one, host, customerId) === null));
          expect(fitting).toEqual([]);
        }
      }),
      { numRuns },
    );
  });

  it("answers exactly as the rules do when they are read with no index and no heap", () => {
    fc.assert(
      fc.property(pool, (given) => {
        expect(named(placeNaively(copyOf(given)))).toEqual(named(place(given)));
      }),
      { numRuns },
    );
  });

  it("does not depend on the order in which customers and workers are given", () => {
    fc.assert(
      fc.property(pool, (given) => {
        const { waiting, candidates } = copyOf(given);
        expect(named(placeAll(waiting.reverse(), candidates.reverse()))).toEqual(named(place(given)));
      }),
      { numRuns },
    );
  });

  it("places each workload once, and with a limit the first ones of the same pass", () => {
    fc.assert(
      fc.property(pool, fc.nat(10), (given, limit) => {
        const all = named(place(copyOf(given)));
        expect(new Set(all.map(([workloadId]) => workloadId)).size).toBe(all.length);
        expect(named(place(given, limit))).toEqual(all.slice(0, limit));
      }),
      { numRuns },
    );
  });

  it("starts the workloads of one customer in their order, as far as the same workers suit them", () => {
    const given = { waiting: [customer(0, { items: items(0, 10) })], candidates: [worker(0, { slots: 6 })] };
    expect(place(given).map(({ item }) => item.queueRank)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("passes over a workload that fits nowhere, and starts the next one of the same customer", () => {
    const stuck = item(0, { workloadType: "unknown" });
    const given = { waiting: [customer(0, { items: [stuck, item(1)] })], candidates: [worker(0)] };
    expect(place(given).map(({ item }) => item.queueRank)).toEqual([1]);
  });

  it("lets a lone customer take the whole pool up to its cap", () => {
    const alone = (runningMax: number) => ({
      waiting: [customer(0, { runningMax, items: items(0, 20) })],
      candidates: [worker(0, { slots: 5 }), worker(1, { slots: 5 })],
    });
    expect(place(alone(1_000))).toHaveLength(10);
    expect(place(alone(7))).toHaveLength(7);
  });

  it("fills equal workers evenly, by the part of their slots that is used", () => {
    const candidates = [worker(0, { slots: 10 }), worker(1, { slots: 20 })];
    place({ waiting: [customer(0, { items: items(0, 15) })], candidates });
    expect(candidates.map(({ used }) => used)).toEqual([5, 10]);
  });

  it("prefers the worker that ran a workload last only among the equally loaded", () => {
    const back = item(0, { lastWorkerId: workerId(1) });
    const equal = { waiting: [customer(0, { items: [back] })], candidates: [worker(0), worker(1)] };
    expect(place(equal)[0]?.workerId).toBe(workerId(1));
    const busier = worker(1, { slots: 2, used: 1 });
    const unequal = { waiting: [customer(0, { items: [back] })], candidates: [worker(0), busier] };
    expect(place(unequal)[0]?.workerId).toBe(workerId(0));
  });

  it("keeps two workloads apart that repel their own type, also within one pass", () => {
    const alone = { affinity: { anti_affinity: { workload_types: ["noop"] } } };
    const given = {
      waiting: [customer(0, { items: [item(0, alone), item(1, alone), item(2, alone)] })],
      candidates: [worker(0, { slots: 9 }), worker(1, { slots: 9 })],
    };
    expect(place(given).map(({ workerId }) => workerId)).toEqual([workerId(0), workerId(1)]);
  });
});

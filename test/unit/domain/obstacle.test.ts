/** What keeps a workload off a pool: the one rule that leaves nobody, and none exactly when placement would place it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ownType } from "../../../functions/domain/fit.ts";
import { placementObstacle } from "../../../functions/domain/obstacle.ts";
import { placeAll } from "../../../functions/domain/placement.ts";
import { pool } from "./pool-arbitrary.ts";
import { copyOf, customer, customerId, item, worker, workerId } from "./pool-builder.ts";

const owner = customerId(1);

describe("the obstacle to a placement", () => {
  test("is none exactly when a pass over an uncontended pool would place the workload", () => {
    fc.assert(
      fc.property(pool, (given) => {
        const wishes = given.waiting.flatMap(({ customerId, items }) =>
          items.map((wanted) => ({ customerId, wanted })),
        );
        for (const { customerId, wanted } of wishes) {
          const { candidates } = copyOf(given);
          const obstacle = placementObstacle(wanted, customerId, candidates);
          const placed = placeAll([customer(1, { customerId, items: [wanted] })], candidates);
          expect(obstacle === null).toBe(placed.length === 1);
        }
      }),
    );
  });

  test("is the empty pool when there is nobody", () => {
    expect(placementObstacle(item(1), owner, [])).toEqual({ kind: "pool_empty" });
  });

  test("is the capability when nobody has it", () => {
    const workers = [worker(1, { capabilities: new Set(["sleep"]) }), worker(2, { capabilities: new Set() })];
    expect(placementObstacle(item(1), owner, workers)).toEqual({ kind: "no_capability", workers: 2 });
  });

  test("is the worker's id when that worker is not there", () => {
    const wanted = item(1, { affinity: { hard_affinity: { worker_id: workerId(9), worker_tags: { zone: "a" } } } });
    expect(placementObstacle(wanted, owner, [worker(1, { tags: { zone: "a" } })])).toEqual({
      kind: "hard_affinity",
      workerId: workerId(9),
      tags: {},
    });
  });

  test("is the first tag that leaves nobody of those that have the tags before it", () => {
    const affinity = { hard_affinity: { worker_tags: { zone: "a", gpu: "yes" } } };
    const workers = [worker(1, { tags: { zone: "a" } }), worker(2, { tags: { gpu: "yes" } })];
    expect(placementObstacle(item(1, { affinity }), owner, workers)).toEqual({
      kind: "hard_affinity",
      workerId: null,
      tags: { gpu: "yes" },
    });
  });

  test("is what it must keep away from, where that is really there", () => {
    const affinity = { anti_affinity: { workload_types: ["shell", "sleep"], worker_tags: { zone: "b" } } };
    const workers = [
      worker(1, { running: new Map([[ownType(owner, "sleep"), 1]]) }),
      worker(2, { capabilities: new Set() }),
    ];
    expect(placementObstacle(item(1, { affinity }), owner, workers)).toEqual({
      kind: "anti_affinity",
      workloadTypes: ["sleep"],
      tags: {},
    });
  });

  test("is never what another customer runs there", () => {
    const affinity = { anti_affinity: { workload_types: ["sleep"] } };
    const workers = [worker(1, { slots: 2, used: 1, running: new Map([[ownType(customerId(2), "sleep"), 1]]) })];
    expect(placementObstacle(item(1, { affinity }), owner, workers)).toBeNull();
    expect(placementObstacle(item(1, { affinity }), customerId(2), workers)).toMatchObject({ kind: "anti_affinity" });
  });

  test("is the resources when every worker that it may run on has too few left", () => {
    const resources = { cpu_cores: 2 };
    const workers = [worker(1, { resources: { cpu_cores: 1 } }), worker(2, { tags: {}, capabilities: new Set() })];
    expect(placementObstacle(item(1, { resources }), owner, workers)).toEqual({
      kind: "resources",
      wanted: resources,
      workers: 1,
    });
  });

  test("is the slots, counted on those workers alone that it may run on", () => {
    const affinity = { hard_affinity: { worker_tags: { zone: "a" } } };
    const full = { slots: 3, used: 3 };
    const workers = [1, 2].map((number) => worker(number, { ...full, tags: { zone: "a" } }));
    expect(placementObstacle(item(1, { affinity }), owner, [...workers, worker(3, { slots: 8, used: 1 })])).toEqual({
      kind: "no_slot",
      used: 6,
      slots: 6,
    });
  });
});

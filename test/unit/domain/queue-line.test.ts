/** Who stands in one line: those that may run in just the same places. */
import { describe, expect, test } from "vitest";
import { isBound, lineKey, lineRoom } from "../../../functions/domain/queue-line.ts";
import type { Affinity } from "../../../schema/affinity.ts";
import { workerId } from "./pool-builder.ts";

const keyOf = (affinity: Affinity | null) => lineKey({ pool: "default", workloadType: "noop", affinity });

describe("a line", () => {
  test("is told apart by pool, by type, and by what binds to workers or away from them", () => {
    const keys = [
      keyOf(null),
      lineKey({ pool: "other", workloadType: "noop", affinity: null }),
      lineKey({ pool: "default", workloadType: "sleep", affinity: null }),
      keyOf({ hard_affinity: { worker_id: workerId(1) } }),
      keyOf({ hard_affinity: { worker_id: workerId(2) } }),
      keyOf({ hard_affinity: { worker_tags: { zone: "a" } } }),
      keyOf({ anti_affinity: { worker_tags: { zone: "a" } } }),
      keyOf({ anti_affinity: { workload_types: ["noop"] } }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("does not depend on where a workload would rather run", () => {
    expect(keyOf({ soft_affinity: { worker_id: workerId(1) } })).toBe(keyOf(null));
    expect(isBound({ affinity: { soft_affinity: { worker_tags: { zone: "a" } } } })).toBe(false);
    expect(isBound({ affinity: { hard_affinity: {} } })).toBe(true);
  });

  test("does not depend on the order in which tags were written", () => {
    const a = keyOf({ hard_affinity: { worker_tags: { zone: "a", disk: "ssd" }, worker_id: workerId(1) } });
    expect(keyOf({ hard_affinity: { worker_id: workerId(1), worker_tags: { disk: "ssd", zone: "a" } } })).toBe(a);
  });

  test("has an even part of the window, and never none", () => {
    expect([0, 1, 3, 100].map((lines) => lineRoom(10, lines))).toEqual([10, 10, 3, 1]);
  });
});

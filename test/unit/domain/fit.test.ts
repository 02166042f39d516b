/** Fit: each rule of affinity, capability, resources and slots, alone. */
import { describe, expect, it } from "vitest";
import type { DemandItem } from "../../../functions/domain/demand.ts";
import { fits as fitsFor, ownType, softScore } from "../../../functions/domain/fit.ts";
import type { Candidate } from "../../../functions/domain/placement.ts";
import type { Affinity } from "../../../schema/affinity.ts";
import { customerId, item, worker, workerId } from "./pool-builder.ts";

const owner = customerId(1);
const fits = (wanted: DemandItem, on: Candidate) => fitsFor(wanted, on, owner);
const tagged = worker(0, { tags: { zone: "a", gpu: "yes" } });
const wanting = (affinity: Affinity) => item(0, { affinity });

describe("a worker fits", () => {
  it("with the capability and a free slot", () => {
    expect(fits(item(0), worker(0))).toBeNull();
    expect(fits(item(0, { workloadType: "shell" }), worker(0))).toBe("no_capability");
    expect(fits(item(0), worker(0, { used: 1 }))).toBe("no_slot");
  });

  it("names the lasting reason, not that it happens to be full", () => {
    expect(fits(item(0, { workloadType: "shell" }), worker(0, { used: 1 }))).toBe("no_capability");
  });

  it("when it is the worker that hard affinity names", () => {
    expect(fits(wanting({ hard_affinity: { worker_id: workerId(0) } }), tagged)).toBeNull();
    expect(fits(wanting({ hard_affinity: { worker_id: workerId(1) } }), tagged)).toBe("hard_affinity");
  });

  it("when it has every tag of hard affinity", () => {
    expect(fits(wanting({ hard_affinity: { worker_tags: { zone: "a", gpu: "yes" } } }), tagged)).toBeNull();
    expect(fits(wanting({ hard_affinity: { worker_tags: { zone: "a", gpu: "no" } } }), tagged)).toBe("hard_affinity");
    expect(fits(wanting({ hard_affinity: { worker_tags: { toString: "x" } } }), tagged)).toBe("hard_affinity");
  });

  it("when it has none of the tags of anti-affinity", () => {
    expect(fits(wanting({ anti_affinity: { worker_tags: { zone: "b", gpu: "no" } } }), tagged)).toBeNull();
    expect(fits(wanting({ anti_affinity: { worker_tags: { zone: "b", gpu: "yes" } } }), tagged)).toBe("anti_affinity");
  });

  it("when no type of its own customer that the workload avoids runs there", () => {
    const busy = worker(0, { slots: 5, running: new Map([[ownType(owner, "shell"), 1]]) });
    const over = worker(0, { slots: 5, running: new Map([[ownType(owner, "shell"), 0]]) });
    const avoiding = wanting({ anti_affinity: { workload_types: ["shell"] } });
    expect(fits(avoiding, busy)).toBe("anti_affinity");
    expect(fits(avoiding, over)).toBeNull();
    expect(fitsFor(avoiding, busy, customerId(2))).toBeNull();
  });

  it("when each resource that it declares has room, and whatever it does not declare", () => {
    const resourcesUsed = { cpu_cores: 0.1 + 0.2, memory_mb: 0, disk_mb: 0 };
    const declaring = worker(0, { resources: { cpu_cores: 0.4 }, resourcesUsed });
    expect(fits(item(0, { resources: { cpu_cores: 0.1, memory_mb: 1_000_000 } }), declaring)).toBeNull();
    expect(fits(item(0, { resources: { cpu_cores: 0.2 } }), declaring)).toBe("resources");
  });
});

describe("the soft score", () => {
  const score = (soft_affinity: NonNullable<Affinity["soft_affinity"]>) =>
    softScore(wanting({ soft_affinity }), tagged);

  it("is 50, with 50 more for the wished-for worker and 5 for each matching tag", () => {
    expect(softScore(item(0), tagged)).toBe(50);
    expect(score({ worker_tags: { zone: "a", gpu: "no" } })).toBe(55);
    expect(score({ worker_tags: { zone: "a", gpu: "yes" } })).toBe(60);
    expect(score({ worker_id: workerId(0) })).toBe(100);
  });

  it("is never above 100", () => {
    expect(score({ worker_id: workerId(0), worker_tags: { zone: "a" } })).toBe(100);
  });
});

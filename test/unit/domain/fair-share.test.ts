/** Fair share between customers: weighted, bounded for newcomers, and blind to the length of queues. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { placeAll, type Waiting } from "../../../functions/domain/placement.ts";
import { customer, customerId, items, worker } from "./pool-builder.ts";

const backlogLength = 200;
const weights = fc.array(fc.constantFrom(1, 10, 50, 100), { minLength: 1, maxLength: 6 });
const slotsFree = fc.integer({ min: 1, max: 150 });
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const contending = (givenWeights: readonly number[]): Waiting[] =>
  givenWeights.map((weight, index) => customer(index, { weight, items: items(index * 1_000, backlogLength) }));

describe("fair share", () => {
  it("gives nobody more than one slot above its weighted share while all contend", () => {
    fc.assert(
      fc.property(weights, slotsFree, (givenWeights, slots) => {
        const waiting = contending(givenWeights);
        placeAll(waiting, [worker(0, { slots })]);
        for (const { held, weight } of waiting) {
          expect(held).toBeLessThanOrEqual((slots * weight) / sum(givenWeights) + 1 + 1e-9);
        }
      }),
    );
  });

  it("is exact when the slots divide by the weights", () => {
    const waiting = contending([1, 10, 50]);
    placeAll(waiting, [worker(0, { slots: 122 })]);
    expect(waiting.map(({ held }) => held)).toEqual([2, 20, 100]);
  });

  it("grants no slot to a customer while another that waits holds less for its weight", () => {
    fc.assert(
      fc.property(weights, slotsFree, fc.array(fc.nat(30), { minLength: 6, maxLength: 6 }), (given, slots, helds) => {
        const waiting = contending(given);
        for (const [index, one] of waiting.entries()) one.held = helds[index] ?? 0;
        const granted = new Set(placeAll(waiting, [worker(0, { slots })]).map(({ customerId }) => customerId));
        const lowest = Math.min(...waiting.map(({ held, weight }) => held / weight));
        for (const { customerId, held, weight } of waiting) {
          if (granted.has(customerId)) expect((held - 1) / weight).toBeLessThanOrEqual(lowest);
        }
      }),
    );
  });

  it("starts a newcomer within one slot of every other customer that holds nothing, whatever their backlogs", () => {
    const others = fc.array(
      fc.record({
        weight: fc.constantFrom(1, 10, 50, 100),
        held: fc.nat(3),
        backlog: fc.integer({ min: 1, max: 300 }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(others, fc.constantFrom(1, 10, 50, 100), (rivals, weight) => {
        const waiting = rivals.map((rival, index) =>
          customer(index, { ...rival, items: items(index * 1_000, rival.backlog) }),
        );
        const newcomer = customer(99, { weight, items: items(99_000, 1) });
        const placed = placeAll([...waiting, newcomer], [worker(0, { slots: 5_000 })]);
        const turn = placed.findIndex((one) => one.customerId === customerId(99));
        expect(turn).toBe(rivals.filter(({ held }) => held === 0).length);
      }),
    );
  });

  it("lets the longest waiting workload go first between customers that hold equal shares", () => {
    const waiting = [customer(0, { items: items(50, 1) }), customer(1, { items: items(10, 1) })];
    expect(placeAll(waiting, [worker(0)]).map((one) => one.customerId)).toEqual([customerId(1)]);
  });

  it("serves a customer without weight only when no other waits", () => {
    const idle = customer(0, { weight: 0, items: items(0, 5) });
    const busy = customer(1, { weight: 1, items: items(100, 3) });
    placeAll([idle, busy], [worker(0, { slots: 4 })]);
    expect([idle.held, busy.held]).toEqual([1, 3]);
  });
});

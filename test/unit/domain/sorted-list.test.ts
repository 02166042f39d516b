/** A sorted list is what sorting an array after every step would give. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSortedList } from "../../../functions/domain/sorted-list.ts";

const byNumber = (a: number, b: number) => a - b;
const many = 5_000;

const step = fc.record({ add: fc.boolean(), value: fc.integer({ min: 0, max: 40 }) });

test("a sorted list holds what was added and not removed, in order", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const list = createSortedList(byNumber);
      const model = new Set<number>();
      for (const { add, value } of steps) {
        if (!add) expect(list.remove(value)).toBe(model.delete(value));
        else if (!model.has(value)) {
          list.add(value);
          model.add(value);
        }
        const sorted = [...model].sort(byNumber);
        expect(list.head(many)).toEqual(sorted);
        expect(list.before(value)).toBe(sorted.filter((other) => other < value).length);
        expect([list.length, list.first(), list.last()]).toEqual([sorted.length, sorted[0], sorted.at(-1)]);
      }
    }),
  );
});

test("a long list that is emptied from the front gives its room back and stays in order", () => {
  const list = createSortedList(byNumber);
  for (let value = 0; value < many; value += 1) list.add(value);
  for (let value = 0; value < many; value += 1) {
    expect(list.first()).toBe(value);
    list.remove(value);
  }
  expect([list.length, list.first(), list.last(), list.head(1)]).toEqual([0, undefined, undefined, []]);
  list.add(1);
  list.add(0);
  expect(list.head(2)).toEqual([0, 1]);
});

test("removing what is not there changes nothing", () => {
  const list = createSortedList(byNumber);
  list.add(1);
  expect(list.remove(2)).toBe(false);
  expect(list.head(2)).toEqual([1]);
});

/** The circuit before the database: when nobody waits any more, and how it is found that it serves again. */
import { expect, test } from "vitest";
import { Circuit } from "../../../functions/store/postgres/circuit.ts";
import { circuitFailuresMax, circuitOpenSeconds } from "../../../schema/limits.ts";

const openMs = circuitOpenSeconds * 1_000;

function begin() {
  let at = 0;
  const circuit = new Circuit(() => at);
  const ask = (wasServed: boolean): boolean => {
    const isIn = circuit.enter();
    if (isIn) circuit.leave(wasServed);
    return isIn;
  };
  const pass = (ms: number) => {
    at += ms;
  };
  const fail = (times: number) => Array.from({ length: times }, () => ask(false));
  return { circuit, ask, pass, fail };
}

test("lets everything in until so many in a row have failed, and then nothing", () => {
  const { ask, fail } = begin();
  expect(fail(circuitFailuresMax - 1)).not.toContain(false);
  expect(ask(true)).toBe(true);
  expect(fail(circuitFailuresMax)).not.toContain(false);
  expect([ask(true), ask(true)]).toEqual([false, false]);
});

test("lets one try when its time is up; the others go on failing at once until that one was served", () => {
  const { circuit, ask, pass, fail } = begin();
  fail(circuitFailuresMax);
  pass(openMs - 1);
  expect(ask(true)).toBe(false);
  pass(1);
  expect([circuit.enter(), circuit.enter(), circuit.enter()]).toEqual([true, false, false]);
  circuit.leave(true);
  expect([ask(true), ask(true)]).toEqual([true, true]);
});

test("stays open when the try fails, and lets another one try when the first says nothing", () => {
  const { circuit, ask, pass, fail } = begin();
  fail(circuitFailuresMax);
  pass(openMs);
  expect([ask(false), ask(true)]).toEqual([true, false]);
  pass(openMs);
  expect(circuit.enter()).toBe(true);
  pass(openMs);
  expect([circuit.enter(), circuit.enter()]).toEqual([true, false]);
});

/** The line to the broker: who waits for it, and what its loss ends. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BrokerAnswer } from "../../../functions/broker/broker.ts";
import { Line } from "../../../functions/broker/line.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a wait that was given up stays given up when the line comes back", async () => {
  const line = new Line();
  line.drop();
  const waiting = line.upWithin(50);
  vi.advanceTimersByTime(50);
  line.restore();
  expect(await waiting).toBe(false);
});

test("whoever still waits goes on when the line comes back", async () => {
  const line = new Line();
  line.drop();
  const waiting = line.upWithin(50);
  vi.advanceTimersByTime(49);
  line.restore();
  expect(await waiting).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("what is under way ends with the line, and what came before it does not", async () => {
  const line = new Line();
  const ok: BrokerAnswer = { type: "ok", payload: {} };
  expect(await line.untilLost(Promise.resolve(ok))).toEqual(ok);
  const open = line.untilLost(new Promise(() => undefined));
  line.drop();
  expect(await open).toMatchObject({ type: "no_answer" });
});

/** Work that many want at once is done once, also when it does not come to its end. */
import { describe, expect, it } from "vitest";
import { createSharedWork } from "../../../functions/api/shared-work.ts";

const msMax = 1_000;
const crowd = 50;

function startWork() {
  let now = 0;
  const begun: PromiseWithResolvers<string>[] = [];
  const work = () => {
    const one = Promise.withResolvers<string>();
    begun.push(one);
    return one.promise;
  };
  const ask = createSharedWork({ clock: () => now, background: () => {}, msMax }, work);
  return {
    begun,
    ask,
    askOften: () => Promise.all(Array.from({ length: crowd }, ask)),
    advance: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

describe("shared work", () => {
  it("is done once for all who ask while it is under way, and again for who asks later", async () => {
    const { ask, askOften, begun } = startWork();
    const asked = askOften();
    begun[0]?.resolve("first");
    expect(new Set(await asked)).toEqual(new Set(["first"]));
    const later = ask();
    begun[1]?.resolve("second");
    expect([await later, begun.length]).toEqual(["second", 2]);
  });

  it("that fails does so for all who wait for it", async () => {
    const { askOften, begun } = startWork();
    const asked = askOften();
    begun[0]?.reject(new Error("it broke"));
    await expect(asked).rejects.toThrow("it broke");
    expect(begun).toHaveLength(1);
  });

  it("that is given up is begun once more, not once by each who waited", async () => {
    const { ask, askOften, begun, advance } = startWork();
    const first = ask();
    const asked = askOften();
    advance(msMax);
    await expect.poll(() => begun.length).toBeGreaterThan(1);
    begun[1]?.resolve("second");
    expect(new Set(await asked)).toEqual(new Set(["second"]));
    expect(begun).toHaveLength(2);
    begun[0]?.resolve("first");
    expect(await first).toBe("first");
  });
});

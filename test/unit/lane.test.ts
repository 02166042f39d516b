/** The lane: one thing at a time, in the order of asking. */
import { expect, test } from "vitest";
import { createLane } from "../../functions/lane.ts";

test("runs what was asked in order, and never two at once", async () => {
  const lane = createLane();
  const said: string[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const work = gates.map(({ promise }, index) =>
    lane.run(async () => {
      said.push(`begins ${index}`);
      await promise;
      said.push(`ends ${index}`);
    }),
  );
  gates[1]?.resolve();
  gates[0]?.resolve();
  await Promise.all(work);
  expect(said).toEqual(["begins 0", "ends 0", "begins 1", "ends 1"]);
});

test("goes on after a failure, which is only its asker's", async () => {
  const lane = createLane();
  const failing = lane.run(() => Promise.reject(new Error("broken")));
  const following = lane.run(() => Promise.resolve("done"));
  await expect(failing).rejects.toThrow("broken");
  expect(await following).toBe("done");
});

test("takes work that is asked for by work, after what was asked before it", async () => {
  const lane = createLane();
  const said: string[] = [];
  const inner = Promise.withResolvers<void>();
  lane
    .run(async () => {
      lane.run(async () => void said.push("asked from inside")).then(inner.resolve, inner.reject);
    })
    .catch(inner.reject);
  await lane.run(async () => void said.push("asked from outside"));
  await inner.promise;
  expect(said).toEqual(["asked from outside", "asked from inside"]);
});

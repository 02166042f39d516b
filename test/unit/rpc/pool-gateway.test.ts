/** Calling the schedulers of the pools. */
import { expect, it } from "vitest";
import { createPoolGateway } from "../../../functions/rpc/pool-gateway.ts";

const reset = Object.assign(new Error("reset"), { durableObjectReset: true });

/** Schedulers that are reset so many times before they answer. */
function poolsOver(resets: number) {
  const ticked: string[] = [];
  let left = resets;
  const getByName = (name: string) => {
    const answer = async <T>(value: T) => {
      if (left-- > 0) throw reset;
      return value;
    };
    return {
      wake: () => answer(undefined),
      isRemoved: () => answer(false),
      fleet: () => answer({ live: [], workers: [] }),
      drain: () => answer(true),
      remove: () => answer(undefined),
      health: () => answer({ broker: true, leader: true }),
      metricsText: () => answer(`# TYPE slots gauge\nslots{pool="${name}"} 1\n`),
      tick: () => answer(undefined).then(() => void ticked.push(name)),
    };
  };
  return { pools: createPoolGateway({ getByName }, ["default", "gpu"]), ticked };
}

it("asks each scheduler by the name of its pool", async () => {
  const { pools, ticked } = poolsOver(0);
  await pools.tick("gpu");
  expect(ticked).toEqual(["gpu"]);
  expect(await pools.metrics()).toBe('# TYPE slots gauge\nslots{pool="default"} 1\nslots{pool="gpu"} 1\n');
});

it("asks again once after a reset, then says which pool did not answer and why", async () => {
  expect(await poolsOver(1).pools.health("gpu")).toEqual({ broker: true, leader: true });
  await expect(poolsOver(2).pools.wake("gpu")).rejects.toMatchObject({
    message: "asking the scheduler of pool gpu",
    cause: reset,
  });
});

/** probe */
import { env } from "cloudflare:workers";
import { evictDurableObject, listDurableObjectIds } from "cloudflare:test";
import { expect, test } from "vitest";
test("probe", async () => {
  const e = env as any;
  const t0 = Date.now();
  const at = (s: string) => console.log(s, Date.now() - t0);
  const customerId = await (await fetch(`${e.TEST_DOOR}/customers`, { method: "POST", body: "{}" })).json();
  at("customer");
  const stub = e.CUSTOMER_COORDINATOR.getByName(customerId);
  const answer = await stub.submit({ bodies: [{ workload_type: "noop", input_params: {}, priority: 10, pool: "pool-1", labels: {} }], idempotency: null, actor: { type: "user", id: "u" }, traceparent: null });
  at("submit");
  await evictDurableObject(stub);
  at("evicted");
  await stub.standing("pool-1");
  at("standing");
  await evictDurableObject(stub);
  at("evicted");
  await evictDurableObject(e.POOL_SCHEDULER.getByName("pool-1"));
  at("evicted pool");
});

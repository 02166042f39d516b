/** What agents ask over HTTP: each with the token of its pool, which opens no other. */
import { createUser } from "@nats-io/nkeys";
import { describe, expect, it } from "vitest";
import { formatPoolToken } from "../../../schema/pool-token.ts";
import { type Api, poolToken, startApi, startedAt } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

const public_key = createUser().getPublicKey();

const enrolBody = (api: Api, pool = "gpu") => ({ pool, worker_id: api.ids.worker(), public_key });

const routes = [
  ["/v1/agents/wake", (_: Api, pool: string) => ({ pool })],
  ["/v1/agents/enroll", enrolBody],
] as const;

describe.each(routes)("%s", (path, bodyOf) => {
  it("knows no token but that of the pool it is asked about", async () => {
    const api = await startApi();
    const { key } = await api.addCustomer();
    const right = await poolToken("gpu");
    const anothers = await poolToken("default");
    const madeUp = await formatPoolToken("gpu", new Uint8Array(32).fill(8));
    const unheardOf = await poolToken("attic");
    for (const wrong of [key, api.adminKey, anothers, madeUp, unheardOf, `${right}x`, right.slice(1), "nyp_gpu_"]) {
      await expectRefused(await api.send("POST", path, { key: wrong, json: bodyOf(api, "gpu") }), 401, "UNAUTHORIZED");
    }
    await expectRefused(await api.send("POST", path, { json: bodyOf(api, "gpu") }), 401, "UNAUTHORIZED");
    await expectRefused(await api.send("POST", path, { key: right, json: bodyOf(api, "attic") }), 401, "UNAUTHORIZED");
    expect(api.pools.woken).toEqual([]);
  });

  it("refuses bodies that are none", async () => {
    const api = await startApi();
    const key = await poolToken("gpu");
    for (const json of [{ ...bodyOf(api, "gpu"), more: "x" }, bodyOf(api, "../x"), {}, null]) {
      await expectRefused(await api.send("POST", path, { key, json }), 400, "INVALID_INPUT");
    }
    const untyped = await api.send("POST", path, { key, body: "pool=gpu" });
    await expectRefused(untyped, 415, "UNSUPPORTED_MEDIA_TYPE");
  });

  it("answers 503 while the scheduler does not answer", async () => {
    const api = await startApi();
    api.memory.faults.leader = "down";
    const reply = await api.send("POST", path, { key: await poolToken("gpu"), json: bodyOf(api, "gpu") });
    expect(reply.headers.get("retry-after")).toBe("1");
    await expectRefused(reply, 503, "SERVICE_UNAVAILABLE");
  });
});

it("tells the scheduler of the pool that something waits for it", async () => {
  const api = await startApi();
  const reply = await api.send("POST", "/v1/agents/wake", { key: await poolToken("gpu"), json: { pool: "gpu" } });
  expect(reply.status).toBe(202);
  expect(api.pools.woken).toEqual(["gpu"]);
});

it("opens nothing else with a pool's token", async () => {
  const api = await startApi();
  const reply = await api.send("GET", "/v1/workloads", { key: await poolToken("gpu") });
  await expectRefused(reply, 401, "UNAUTHORIZED");
});

describe("enrolling a worker", () => {
  const path = "/v1/agents/enroll";

  it("says where the broker is, with which credentials, how long, and which inbox is the worker's", async () => {
    const api = await startApi();
    const json = enrolBody(api);
    const reply = await api.send("POST", path, { key: await poolToken("gpu"), json });
    expect(reply.status).toBe(200);
    expect(await reply.json()).toEqual({
      nats_url: "wss://broker.test",
      credentials: `gpu/${json.worker_id}/${public_key}`,
      expires_at: new Date(startedAt + 60_000).toISOString(),
      expires_in_seconds: 60,
      inbox_prefix: `niyanta.gpu.inbox.${json.worker_id}`,
    });
  });

  it("takes no key but that of a NATS user, and no id but that of a worker", async () => {
    const api = await startApi();
    const key = await poolToken("gpu");
    const wrongs = [
      { public_key: public_key.toLowerCase() },
      { public_key: `A${public_key.slice(1)}` },
      { public_key: `${public_key}A` },
      { worker_id: "wkr_>" },
      { worker_id: `${api.ids.worker()}.status` },
    ];
    for (const wrong of wrongs) {
      const reply = await api.send("POST", path, { key, json: { ...enrolBody(api), ...wrong } });
      await expectRefused(reply, 400, "INVALID_INPUT");
    }
  });

  it("is over for a worker that an operator removed", async () => {
    const api = await startApi();
    const json = enrolBody(api);
    api.pools.removed.add(`gpu/${json.worker_id}`);
    await expectRefused(await api.send("POST", path, { key: await poolToken("gpu"), json }), 403, "FORBIDDEN");
  });
});

/** What an operator and a customer change of the customer itself: it holds on a system that runs, and is done once. */
import pg from "pg";
import { expect, test } from "vitest";
import { usageSchema } from "../../schema/http/customer.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { expectAllKept, type Journey, journeys, openGate } from "../support/journey.ts";

const { begin } = journeys({ leaseSeconds: 3, heartbeatSeconds: 1 });

interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}
type Call = (method: string, path: string, json?: object, idempotencyKey?: string) => Promise<Reply>;

const caller =
  (apiUrl: string, key: string): Call =>
  async (method, path, json, idempotencyKey) => {
    const reply = await fetch(`${apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const text = await reply.text();
    return { status: reply.status, body: text === "" ? {} : JSON.parse(text) };
  };

const operatorOf = ({ stack }: Journey) => caller(stack.dev.api_url, stack.dev.admin_key);

/** The answers to the same request, twice at once. */
const twice = (call: Call, path: string, json: object, key: string) =>
  Promise.all([call("POST", path, json, key), call("POST", path, json, key)]);

/** Past every interface: a suspended customer is told nothing. */
async function statusesOf({ stack, customerId }: Journey): Promise<Map<string, string>> {
  const client = new pg.Client({ connectionString: stack.dev.database_url });
  await client.connect();
  try {
    const query = "select workload_id, status from workloads where customer_id = $1";
    const { rows } = await client.query<{ workload_id: string; status: string }>(query, [customerId]);
    return new Map(rows.map(({ workload_id, status }) => [workload_id, status]));
  } finally {
    await client.end();
  }
}

async function waiting({ client, affinity: affinity_rules, gate: newGate }: Journey) {
  const gate = newGate();
  const id = await client.submit({ workload_type: "journey.wait", input_params: { gate }, affinity_rules });
  return { id, gate };
}

test("a change of terms holds from the next decision on: a cap that is raised lets the next one start", async () => {
  const journey = await begin();
  const { client, customerId } = journey;
  const operator = operatorOf(journey);
  await journey.agent({ slots: 4 });
  const terms = `/v1/admin/customers/${customerId}`;
  const overrides = { running_max: 1, submits_per_second: null };
  expect(await operator("PUT", terms, { overrides })).toMatchObject({ status: 200, body: { limits: overrides } });
  const [first, second] = [await waiting(journey), await waiting(journey)];
  await client.untilStatus(first.id, "RUNNING");
  const usage = { running: 1, queued: 1, submit_tokens: null };
  expect(await operator("GET", terms)).toMatchObject({ body: { usage } });
  expect((await client.get(second.id)).status).toBe("PENDING");
  await operator("PUT", terms, { overrides: { ...overrides, running_max: 2 } });
  await client.untilStatus(second.id, "RUNNING");
  for (const { gate } of [first, second]) openGate(gate);
  for (const { id } of [first, second]) await client.untilStatus(id, "COMPLETED");
  await expectAllKept(journey, [first.id, second.id]);
});

test("a suspended customer is refused, what it runs ends well, and nothing of it is started until it may go on", async () => {
  const journey = await begin();
  const { client, customerId } = journey;
  const operator = operatorOf(journey);
  await journey.agent({ slots: 1 });
  const [running, next] = [await waiting(journey), await waiting(journey)];
  await client.untilStatus(running.id, "RUNNING");
  const terms = `/v1/admin/customers/${customerId}`;
  expect(await operator("PUT", terms, { suspended: true })).toMatchObject({ status: 200 });
  await client.until(
    "the customer to be refused",
    () =>
      client.get(running.id).then(
        () => 200,
        ({ status }: { status?: number }) => status,
      ),
    (status) => status === 403,
  );
  openGate(running.gate);
  const statuses = await client.until(
    "what runs to end",
    () => statusesOf(journey),
    (found) => found.get(running.id) === "COMPLETED",
  );
  expect(statuses.get(next.id)).toBe("PENDING");
  expect(await operator("GET", terms)).toMatchObject({ body: { usage: { running: 0, queued: 1 } } });
  await operator("PUT", terms, { suspended: false });
  openGate(next.gate);
  await client.until(
    "the customer to be let in again",
    () =>
      client.get(next.id).then(
        () => true,
        () => false,
      ),
    (isIn) => isIn,
  );
  await client.untilStatus(next.id, "COMPLETED");
  const events = (await client.audit(next.id)).map(({ event_type }) => event_type);
  expect(events.filter((type) => type === "workload.scheduled")).toHaveLength(1);
  await expectAllKept(journey, [running.id, next.id]);
});

test("a customer that is made over the API registers its types, works, and loses a key for good", async () => {
  const journey = await begin();
  const operator = operatorOf(journey);
  const body = { name: "made over the API", tier: "free" };
  const [made, again] = await twice(operator, "/v1/admin/customers", body, `customer-${journey.customerId}`);
  expect([made.status, again]).toEqual([201, made]);
  const customers = `/v1/admin/customers/${String(made.body.customer_id)}`;
  const keyBody = { name: "first", scopes: ["workloads:read", "configs:write", "keys:read", "keys:write"] };
  const keys = await twice(operator, `${customers}/api-keys`, keyBody, "first-key");
  expect(new Set(keys.map(({ body: { key_id } }) => key_id)).size).toBe(1);
  const secrets = keys.flatMap(({ body: { api_key } }) => (typeof api_key === "string" ? [api_key] : []));
  expect(secrets).toHaveLength(1);
  const own = caller(journey.stack.dev.api_url, secrets[0] ?? "");

  const types = await twice(own, "/v1/workload-configs", { workload_type: "noop", config_json: "12" }, "type");
  expect(types[1]).toEqual(types[0]);
  expect(types[0]).toMatchObject({ status: 201, body: { workload_type: "noop", config_json: "12" } });
  const one = `/v1/workload-configs/${String(types[0].body.config_id)}`;
  expect(await own("PUT", one, { workload_type: "noop", max_retries: 1 })).toMatchObject({ body: { max_retries: 1 } });
  expect(await own("GET", one)).toMatchObject({ body: { max_retries: 1, config_json: {} } });

  const rotate = `/v1/api-keys/${String(keys[0].body.key_id)}/rotate`;
  const rotated = await twice(own, rotate, { overlap_seconds: 0 }, "rotation");
  // The second may be refused: the key that it comes with has ended by then.
  const next = rotated.map(({ body: { api_key } }) => api_key).find((secret) => typeof secret === "string");
  const renewed = caller(journey.stack.dev.api_url, String(next));
  expect(await renewed("GET", "/v1/customer")).toMatchObject({ status: 200, body: { tier: "free" } });
  await journey.client.until(
    "the rotated key to be refused",
    () => own("GET", "/v1/customer"),
    ({ status }) => status === 401,
  );
  expect(await renewed("DELETE", one)).toEqual({ status: 204, body: {} });
  const [last] = (await renewed("GET", "/v1/api-keys")).body.api_keys as { key_id: string }[];
  expect((await operator("DELETE", `${customers}/api-keys/${last?.key_id}`)).status).toBe(204);
  await journey.client.until(
    "the revoked key to be refused",
    () => renewed("GET", "/v1/customer"),
    ({ status }) => status === 401,
  );
});

test("what a customer makes use of is what a recount finds, after many clients at once (I21)", async () => {
  const journey = await begin();
  const { client, customerId, affinity: affinity_rules } = journey;
  const operator = operatorOf(journey);
  const overrides = { queue_depth_max: 60, running_max: 3, submits_per_second: null };
  await operator("PUT", `/v1/admin/customers/${customerId}`, { overrides });
  await journey.agent({ slots: 8 });
  const gates = new Map<WorkloadId, string>();
  const submitOne = async () => {
    const { id, gate } = await waiting(journey);
    gates.set(id, gate);
    if (gates.size % 3 === 0) await client.cancel(id);
  };
  const outcomes = await Promise.allSettled(Array.from({ length: 80 }, submitOne));
  const refused = outcomes.filter(({ status }) => status === "rejected").length;
  expect(gates.size + refused).toBe(80);
  const last = await client.submit({ workload_type: "noop", affinity_rules });
  await client.cancel(last);
  const view = () =>
    operator("GET", `/v1/admin/customers/${customerId}`).then(({ body }) => usageSchema.parse(body.usage));
  // With the cap used up and every gate shut, nothing moves any more.
  const usage = await client.until("the cap to be used up", view, ({ running }) => running === overrides.running_max);
  expect(usage).toEqual(await recount(journey));
  for (const id of gates.keys()) await client.cancel(id);
  expect(await operator("GET", `/v1/admin/customers/${customerId}`)).toMatchObject({
    body: { usage: { running: 0, queued: 0 } },
  });
  await expectAllKept(journey, [...gates.keys(), last]);
});

async function recount(journey: Journey) {
  const statuses = [...(await statusesOf(journey)).values()];
  const count = (...meant: string[]) => statuses.filter((status) => meant.includes(status)).length;
  return {
    running: count("SCHEDULED", "RUNNING"),
    queued: count("PENDING", "REDISTRIBUTING"),
    submit_tokens: null,
  };
}

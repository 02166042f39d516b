/** Every operation that takes an Idempotency-Key: how to make a right request of it, another one, and one that is refused for now. */
import { z } from "zod";
import type { Stack } from "../../infra/local/stack.ts";
import { submittedSchema } from "../../schema/http/submit.ts";
import type { CustomerId } from "../../schema/ids.ts";
import { type Asked, type Caller, callerOf, readAs } from "./crowd.ts";
import { newCustomer } from "./stack.ts";

/** Whose objects the requests are about, and who asks. */
export interface Owner {
  readonly customerId: CustomerId;
  readonly customer: Caller;
  readonly operator: Caller;
}

export async function newOwner(stack: Stack): Promise<Owner> {
  const { customerId, key } = await newCustomer(stack);
  const { api_url: url, admin_key: adminKey } = stack.dev;
  const owner = { customerId, customer: callerOf(url, key), operator: callerOf(url, adminKey) };
  // Its coordinator leads before anything is counted.
  await workload(owner, "PENDING");
  return owner;
}

export const closeOwner = ({ customer, operator }: Owner): void => {
  customer.close();
  operator.close();
};

/** A request that is possible once; `other` is the body of one that is not the same. */
export interface Prepared {
  readonly by: "customer" | "operator";
  readonly path: string;
  readonly body: object;
  /** Null: at this path there is only one body. */
  readonly other: object | null;
}

/** A request that is refused until its cause is out of the way. */
export interface Doomed extends Prepared {
  /** Outcomes of a batch are in its reply, whose status is a success all the same. */
  readonly refused: number | "each";
  /** What would have been possible from the beginning. */
  fix(): Promise<unknown>;
}

export interface Repeatable {
  prepare(owner: Owner): Promise<Prepared>;
  /** Left out: only a suspension of the customer is a refusal that ends. */
  doom?(owner: Owner): Promise<Doomed>;
}

let made = 0;
const fresh = (name: string): string => {
  made += 1;
  return `${name}.${made}`;
};

const noop = () => ({ workload_type: "noop", labels: { made: fresh("label") } });
const idSchema = z.object({ key_id: z.string() });
const configSchema = z.object({ config_id: z.string() });

async function workload(owner: Owner, status: "PENDING" | "PAUSED" | "CANCELLED"): Promise<string> {
  const { customer } = owner;
  const id = readAs(submittedSchema, await customer.surely({ path: "/v1/workloads", body: noop() })).workload_id;
  if (status === "PAUSED") await customer.surely({ path: `/v1/workloads/${id}/pause` });
  if (status === "CANCELLED") await customer.surely({ path: `/v1/workloads/${id}/cancel` });
  return id;
}

const workloads = (owner: Owner, status: Parameters<typeof workload>[1]) =>
  Promise.all([workload(owner, status), workload(owner, status)]);

const ofCustomer = (path: string, body: object, other: object | null): Prepared => ({
  ...{ by: "customer", path, body, other },
});

const reason = { body: { reason: "one" }, other: { reason: "another" } };

/** Of one workload: `before` is what it must be. */
const onOne = (action: string, before: Parameters<typeof workload>[1], body: object, other: object | null) => ({
  prepare: async (owner: Owner) => ofCustomer(`/v1/workloads/${await workload(owner, before)}/${action}`, body, other),
});

const onMany = (action: string, before: Parameters<typeof workload>[1]) => ({
  prepare: async (owner: Owner) => {
    const ids = await workloads(owner, before);
    return ofCustomer(`/v1/workloads/batch/${action}`, { ids }, { ids: ids.slice(1) });
  },
});

/** Not possible yet in that status: what makes it so is asked of the API in between. */
const tooEarlyOne = (action: string, remedy: string) => ({
  doom: async (owner: Owner): Promise<Doomed> => {
    const id = await workload(owner, "PENDING");
    const fix = () => owner.customer.surely({ path: `/v1/workloads/${id}/${remedy}` });
    return { ...ofCustomer(`/v1/workloads/${id}/${action}`, {}, null), refused: 400, fix };
  },
});

const tooEarlyMany = (action: string, remedy: string) => ({
  doom: async (owner: Owner): Promise<Doomed> => {
    const ids = await workloads(owner, "PENDING");
    const fix = () => owner.customer.surely({ path: `/v1/workloads/batch/${remedy}`, body: { ids } });
    return { ...ofCustomer(`/v1/workloads/batch/${action}`, { ids }, null), refused: "each", fix };
  },
});

const unregistered = (path: string, bodyOf: (type: string) => object) => ({
  doom: async ({ customer }: Owner): Promise<Doomed> => {
    const type = fresh("unregistered");
    const fix = () => customer.surely({ path: "/v1/workload-configs", body: { workload_type: type } });
    return { ...ofCustomer(path, bodyOf(type), null), refused: 400, fix };
  },
});

const keyBodies = () => ({
  body: { name: fresh("key"), scopes: ["workloads:read"] },
  other: { name: fresh("key"), scopes: ["workloads:read"] },
});

async function takenType({ customer }: Owner): Promise<Doomed> {
  const body = { workload_type: fresh("type") };
  const config = await customer.surely({ path: "/v1/workload-configs", body });
  const { config_id: id } = readAs(configSchema, config);
  const fix = () => customer.surely({ method: "DELETE", path: `/v1/workload-configs/${id}` });
  return { ...ofCustomer("/v1/workload-configs", body, null), refused: 409, fix };
}

async function rotation({ customer }: Owner): Promise<Prepared> {
  const { key_id: id } = readAs(idSchema, await customer.surely({ path: "/v1/api-keys", body: keyBodies().body }));
  return ofCustomer(`/v1/api-keys/${id}/rotate`, { overlap_seconds: 60 }, { overlap_seconds: 61 });
}

export const repeatables: Readonly<Record<string, Repeatable>> = {
  submitWorkload: {
    prepare: async () => ofCustomer("/v1/workloads", noop(), noop()),
    ...unregistered("/v1/workloads", (workload_type) => ({ workload_type })),
  },
  submitBatch: {
    prepare: async () => {
      const batch = [noop(), noop()];
      return ofCustomer("/v1/workloads/batch", { workloads: batch }, { workloads: batch.toReversed() });
    },
    ...unregistered("/v1/workloads/batch", (workload_type) => ({ workloads: [noop(), { workload_type }] })),
  },
  cancelWorkload: onOne("cancel", "PENDING", reason.body, reason.other),
  pauseWorkload: onOne("pause", "PENDING", reason.body, reason.other),
  resumeWorkload: { ...onOne("resume", "PAUSED", {}, null), ...tooEarlyOne("resume", "pause") },
  moveWorkload: onOne(
    "move",
    "PENDING",
    { affinity_rules: { hard_affinity: { worker_tags: { zone: "a" } } } },
    { affinity_rules: { hard_affinity: { worker_tags: { zone: "b" } } } },
  ),
  retryWorkload: {
    ...onOne("retry", "CANCELLED", { from_checkpoint: false }, { from_checkpoint: true }),
    ...tooEarlyOne("retry", "cancel"),
  },
  batchCancel: onMany("cancel", "PENDING"),
  batchPause: onMany("pause", "PENDING"),
  batchResume: { ...onMany("resume", "PAUSED"), ...tooEarlyMany("resume", "pause") },
  batchRetry: { ...onMany("retry", "CANCELLED"), ...tooEarlyMany("retry", "cancel") },
  createWorkloadConfig: {
    prepare: async () => {
      const [first, second] = [fresh("type"), fresh("type")];
      return ofCustomer("/v1/workload-configs", { workload_type: first }, { workload_type: second });
    },
    doom: takenType,
  },
  createApiKey: {
    prepare: async () => {
      const { body, other } = keyBodies();
      return ofCustomer("/v1/api-keys", body, other);
    },
  },
  rotateApiKey: { prepare: rotation },
  createCustomer: {
    prepare: async () => ({
      ...{ by: "operator", path: "/v1/admin/customers", body: { name: fresh("one") }, other: { name: fresh("other") } },
    }),
  },
  createCustomerApiKey: {
    prepare: async ({ customerId }) => ({
      ...{ by: "operator", path: `/v1/admin/customers/${customerId}/api-keys`, ...keyBodies() },
    }),
  },
};

export const askedUnder = ({ path, body }: Prepared, idempotencyKey: string): Asked => ({ path, body, idempotencyKey });

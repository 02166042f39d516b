/** Calling a customer's coordinator that is reset, overloaded or gone. */
import { describe, expect, it } from "vitest";
import type { Action, OperateRequest, SubmitRequest } from "../../../functions/coordinator/gateway.ts";
import { createCustomerGateway } from "../../../functions/rpc/customer-gateway.ts";
import { createLog } from "../../../functions/telemetry/log.ts";
import { createIdSource, secureRandom } from "../../../schema/ids.ts";

const ids = createIdSource(() => 0, secureRandom);
const log = createLog({ level: "silent", clock: () => 0, write: () => undefined });
const request: SubmitRequest = {
  bodies: [],
  idempotency: null,
  actor: { type: "user", id: "key_1" },
  traceparent: null,
};
const keyed: SubmitRequest = { ...request, idempotency: { key: "k", bodySha256: "" } };
const operation = (action: Action, idempotency: OperateRequest["idempotency"] = null): OperateRequest => ({
  ...{ action, idempotency, actor: request.actor },
  targets: { ids: [ids.workload()] },
});
const cancel = operation({ kind: "cancel", reason: null });

const reset = Object.assign(new Error("Durable Object reset because its code was updated."), {
  durableObjectReset: true,
});
const overloaded = Object.assign(new Error("Durable Object is overloaded."), { overloaded: true, retryable: true });
const unresolved = Object.assign(new Error("Cannot resolve Durable Object due to transient issue on remote node."), {
  retryable: true,
});
const bug = Object.assign(new TypeError("x is undefined"), { remote: true });

const notAsked = () => Promise.reject(new Error("no test here asks for this"));

/** Coordinators that fail in turn with `failures`, then answer. Each stub works until it has failed once. */
function gatewayOver(...failures: Error[]) {
  let calls = 0;
  const answer = async () => {
    calls += 1;
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return { ok: true, rate: null } as const;
  };
  const getByName = () => {
    let broken: unknown = null;
    const call = async <T>(value: T) => {
      if (broken !== null) throw broken;
      try {
        return { ...(await answer()), value };
      } catch (error) {
        broken = error;
        throw error;
      }
    };
    return {
      submit: () => call([]),
      operate: () => call({ operations: [], hasMore: false }),
      settled: () => call(null),
      ...{ explain: notAsked, direct: notAsked, usage: notAsked, fetch: notAsked },
    };
  };
  const gateway = createCustomerGateway({ getByName }, log);
  return { gateway, calls: () => calls };
}

const unavailable = { ok: false, refusal: { kind: "unavailable", what: "leader", retryAfterSeconds: 1 }, rate: null };

describe("a call to a coordinator", () => {
  it("that was reset is made again, by a fresh stub, where it does no harm", async () => {
    expect(await gatewayOver(reset).gateway.operate("cust_1", cancel)).toMatchObject({ ok: true });
    expect(await gatewayOver(reset).gateway.submit("cust_1", keyed)).toMatchObject({ ok: true });
  });

  it("is made again of an operation only where it is known by its key, or changes nothing the second time", async () => {
    for (const action of [{ kind: "resume" }, { kind: "retry", fromCheckpoint: false }] as const) {
      expect(await gatewayOver(reset).gateway.operate("cust_1", operation(action))).toEqual(unavailable);
      const known = operation(action, { key: "k", bodySha256: "" });
      expect(await gatewayOver(reset).gateway.operate("cust_1", known)).toMatchObject({ ok: true });
    }
    expect(await gatewayOver(reset).gateway.settled("cust_1", ids.workload(), 1)).toMatchObject({ ok: true });
  });

  it("is not made again when it could submit twice", async () => {
    const { gateway, calls } = gatewayOver(reset);
    expect(await gateway.submit("cust_1", request)).toEqual(unavailable);
    expect(calls()).toBe(1);
  });

  it("is made again when it never arrived", async () => {
    expect(await gatewayOver(unresolved).gateway.submit("cust_1", request)).toMatchObject({ ok: true });
  });

  it("is made twice at most", async () => {
    const { gateway, calls } = gatewayOver(reset, reset, reset);
    expect(await gateway.operate("cust_1", cancel)).toEqual(unavailable);
    expect(calls()).toBe(2);
  });

  it("is not repeated to one that is overloaded", async () => {
    const { gateway, calls } = gatewayOver(overloaded);
    expect(await gateway.operate("cust_1", cancel)).toEqual(unavailable);
    expect(calls()).toBe(1);
  });

  it("throws what the coordinator itself threw, as the cause", async () => {
    const { gateway, calls } = gatewayOver(bug);
    await expect(gateway.operate("cust_1", cancel)).rejects.toMatchObject({ cause: bug });
    expect(calls()).toBe(1);
  });
});

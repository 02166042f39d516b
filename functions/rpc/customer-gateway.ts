/** The gateway to customers' coordinators over Durable Object RPC. */
import type { Answer, CoordinatorGateway } from "../coordinator/gateway.ts";
import { refuse } from "../domain/refusal.ts";
import type { Log } from "../telemetry/log.ts";
import { callObject } from "./call.ts";
import type { CustomerObject, ObjectNamespace } from "./objects.ts";

type Asked = Pick<CustomerObject, "submit" | "cancel">;

const retryAfterSeconds = 1;

export function createCustomerGateway(objects: ObjectNamespace<Asked>, log: Log): CoordinatorGateway {
  const ask = async <T>(
    customerId: string,
    repeatable: boolean,
    call: (object: Asked) => Promise<Answer<T>>,
  ): Promise<Answer<T>> => {
    const called = await callObject({ repeatable }, () => call(objects.getByName(customerId)));
    if (called.kind === "answered") return called.value;
    log.warn({ component: "rpc", customer_id: customerId, err: called.cause }, "a coordinator did not answer");
    return { ...refuse({ kind: "unavailable", what: "leader", retryAfterSeconds }), rate: null };
  };
  return {
    // Without an idempotency key a second try could submit twice.
    submit: (customerId, request) => ask(customerId, request.idempotency !== null, (object) => object.submit(request)),
    cancel: (customerId, request) => ask(customerId, true, (object) => object.cancel(request)),
  };
}

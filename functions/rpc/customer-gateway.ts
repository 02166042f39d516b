/** The gateway to customers' coordinators over Durable Object RPC. */
import {
  type Answer,
  type CoordinatorGateway,
  type DirectRequest,
  type OperateRequest,
  type Watched,
  watchHeader,
} from "../coordinator/gateway.ts";
import type { ChangeKind } from "../domain/directory-change.ts";
import { refuse } from "../domain/refusal.ts";
import type { Log } from "../telemetry/log.ts";
import { callObject } from "./call.ts";
import type { CustomerObject, ObjectNamespace } from "./objects.ts";

type Asked = Pick<CustomerObject, "submit" | "operate" | "settled" | "explain" | "direct" | "usage" | "fetch">;

const retryAfterSeconds = 1;
/** The object's name says which customer; the address says nothing. */
const watchUrl = "https://coordinator/watch";

/** A retry that comes twice makes two workloads, and a resume that comes twice meets one that is no longer paused. */
const isRepeatable = ({ action, idempotency }: OperateRequest): boolean =>
  idempotency !== null || (action.kind !== "retry" && action.kind !== "resume");

/** What is made or deleted a second time is refused, though it is as it was asked for. */
const isSafeTwice = ({ change, idempotency }: DirectRequest<ChangeKind>): boolean =>
  idempotency !== null || ["replace_type", "revoke_key", "set_terms"].includes(change.kind);

export function createCustomerGateway(objects: ObjectNamespace<Asked>, log: Log): CoordinatorGateway {
  const absent = (customerId: string, err: unknown) => {
    log.warn({ component: "rpc", customer_id: customerId, err }, "a coordinator did not answer");
    return refuse({ kind: "unavailable", what: "leader", retryAfterSeconds });
  };
  const ask = async <T>(
    customerId: string,
    repeatable: boolean,
    call: (object: Asked) => Promise<Answer<T>>,
  ): Promise<Answer<T>> => {
    const called = await callObject({ repeatable }, () => call(objects.getByName(customerId)));
    if (called.kind === "answered") return called.value;
    return { ...absent(customerId, called.cause), rate: null };
  };
  return {
    // Without an idempotency key a second try could submit twice.
    submit: (customerId, request) => ask(customerId, request.idempotency !== null, (object) => object.submit(request)),
    operate: (customerId, request) => ask(customerId, isRepeatable(request), (object) => object.operate(request)),
    direct: (customerId, request) => ask(customerId, isSafeTwice(request), (object) => object.direct(request)),
    usage: (customerId) => ask(customerId, true, (object) => object.usage()),
    async watch(customerId, watch) {
      const init = { headers: { upgrade: "websocket", [watchHeader]: encodeURIComponent(JSON.stringify(watch)) } };
      // Asking twice leaves no second watcher: the first one's socket went with the object.
      const called = await callObject({ repeatable: true }, () => objects.getByName(customerId).fetch(watchUrl, init));
      if (called.kind === "absent") return { kind: "refused", ...absent(customerId, called.cause) };
      const response = called.value;
      if (response.status === 101) return { kind: "watching", response };
      const unopened: Watched = await response.json();
      return unopened;
    },
    explain: (customerId, workloadId) => ask(customerId, true, (object) => object.explain(workloadId)),
    settled: (customerId, workloadId, ms) => ask(customerId, true, (object) => object.settled(workloadId, ms)),
  };
}

/** Sends a worker the operator's order; said again whenever the worker speaks as if it had not heard. */
import type { WorkerId } from "../../schema/ids.ts";
import { commandsSubject } from "../../schema/messages/subjects.ts";
import type { ToWorker } from "../../schema/messages/to-worker.ts";
import type { Pool } from "./pool.ts";

/** A roll call makes a removed worker speak, and whatever it says is answered with its removal. */
const orders = {
  drain: { type: "drain", payload: {} },
  remove: { type: "roll_call", payload: {} },
} as const satisfies Record<string, ToWorker>;

export function sendOrder({ deps, link }: Pool, workerId: WorkerId, what: keyof typeof orders): void {
  const told = link.request(commandsSubject(deps.name, workerId), orders[what], deps.terms.assignmentTimeoutMs);
  deps.background(
    told.then((answer) => {
      if (answer.type !== "ok") deps.log.warn({ worker_id: workerId, answer, order: what }, "an order is not answered");
    }),
  );
}

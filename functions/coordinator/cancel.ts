/** Ends a workload on its owner's word. */
import type { WorkloadId } from "../../schema/ids.ts";
import type { Stop } from "../domain/demand.ts";
import { done, type Result, refuse } from "../domain/refusal.ts";
import { cancel } from "../domain/transition.ts";
import type { Actor, Workload } from "../domain/workload.ts";
import { commit } from "./commit.ts";
import { measureChanges } from "./measure.ts";
import { offerElsewhere } from "./offer.ts";
import type { CoordinatorDeps, Session } from "./session.ts";
import { refillWindow } from "./timers.ts";
import { updateOf } from "./update.ts";

export interface CancelRequest {
  readonly workloadId: WorkloadId;
  readonly reason: string | null;
  readonly actor: Actor;
}

export async function cancelWorkload(
  deps: CoordinatorDeps,
  session: Session,
  { workloadId, reason, actor }: CancelRequest,
): Promise<Result<null>> {
  const workload = session.book.get(workloadId) ?? (await deps.store.find(deps.customerId, [workloadId]))[0];
  if (workload === undefined) return refuse({ kind: "unknown_workload" });
  const decision = cancel(workload, actor, reason, { now: deps.now(), random: 0 });
  if (decision.kind === "refused") return refuse({ kind: "wrong_state", status: workload.status, action: "cancel" });
  if (decision.kind !== "change") return done(null);
  await commit(deps, session, [decision.change], []);
  measureChanges(session, [decision.change], deps.now());
  await refillWindow(deps, session);
  const update = updateOf(session, workload.pool, { stops: stopsOf(workload) });
  deps.background(deps.pool(workload.pool).update(update));
  offerElsewhere(deps, session, workload.pool);
  return done(null);
}

const stopsOf = ({ workloadId, workerId, generation }: Workload): Stop[] =>
  workerId === null ? [] : [{ workerId, workload_id: workloadId, generation, why: "cancelled" }];

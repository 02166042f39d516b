/** Says why a workload is in the state that it is in: asks its pool and reads what else is needed, and changes nothing. */
import type { ExplanationView } from "../../schema/http/explain.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { isQueued } from "../../schema/status.ts";
import { eventToRecall, explain, isNotDue, type Outlook, type Question } from "../domain/explain.ts";
import { forecast } from "../domain/forecast.ts";
import { done, type Result, refuse } from "../domain/refusal.ts";
import type { Workload } from "../domain/workload.ts";
import type { Ahead } from "../store/store.ts";
import { type CoordinatorDeps, type Session, unavailable } from "./session.ts";
import { demandItem } from "./update.ts";

export async function explainWorkload(
  deps: CoordinatorDeps,
  session: Session,
  id: WorkloadId,
): Promise<Result<ExplanationView>> {
  const workload = session.book.get(id) ?? (await deps.store.find(deps.customerId, [id]))[0];
  if (workload === undefined) return refuse({ kind: "unknown_workload" });
  const gathered = await gather(deps, session, workload);
  return gathered.ok ? done(viewOf(session, gathered.value)) : gathered;
}

interface Gathered {
  readonly question: Question;
  readonly ahead: Ahead;
}

const nobody: Ahead = { inAll: 0, inLine: 0 };

async function gather(deps: CoordinatorDeps, session: Session, workload: Workload): Promise<Result<Gathered>> {
  const { store, customerId, now } = deps;
  const recalled = eventToRecall(workload);
  const [ahead, recorded, outlook] = await Promise.all([
    isQueued(workload.status) ? store.ahead(customerId, workload, now()) : nobody,
    recalled === null ? null : store.lastEvent(customerId, workload.workloadId, recalled),
    outlookOf(deps, session, workload),
  ]);
  if (!outlook.ok) return outlook;
  const { suspended, limits } = session.customer;
  const customer = { suspended, runningMax: limits.runningMax, heldCount: session.book.heldCount };
  const question = { workload, customer, outlook: outlook.value, ahead: ahead.inAll, recorded, now: now() };
  return done({ question, ahead });
}

/** Null: its pool has no say in it. */
async function outlookOf(deps: CoordinatorDeps, session: Session, workload: Workload): Promise<Result<Outlook | null>> {
  const { customerId, pool, now, log } = deps;
  if (!isQueued(workload.status) || session.customer.suspended || isNotDue(workload, now())) return done(null);
  try {
    const item = demandItem(workload, session.customer);
    const outlook = await pool(workload.pool).explain({ customerId, item });
    return outlook === null ? refuse(brokerAway) : done(outlook);
  } catch (err) {
    log.warn({ err, pool: workload.pool, customer_id: customerId }, "a pool was asked for an outlook in vain");
    return refuse(unavailable("leader"));
  }
}

const brokerAway = { kind: "unavailable", what: "broker", retryAfterSeconds: 1 } as const;

function viewOf({ book, slotsFreed }: Session, { question, ahead }: Gathered): ExplanationView {
  const { workload, customer, now } = question;
  const explanation = explain(question);
  const isInLine = isQueued(workload.status) && !isNotDue(workload, now);
  const isAtCap = customer.heldCount >= customer.runningMax;
  const dueAt = isInLine ? null : workload.dueAt;
  const turn = { rule: explanation.rule, ahead: ahead.inLine, isAtCap, dueAt };
  return {
    workload_id: workload.workloadId,
    status: workload.status,
    ...explanation,
    queue: isInLine ? { position: ahead.inAll + 1, ahead: ahead.inAll, depth: book.queuedCount } : null,
    ...forecast(turn, slotsFreed.measuredFor(workload.pool, isAtCap, now), now),
  };
}

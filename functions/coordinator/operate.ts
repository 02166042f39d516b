/** Does what is asked of workloads that are there, one or many: all in one write, and once under one idempotency key. */
import type { Json } from "../../schema/json.ts";
import { plainJson } from "../../schema/json.ts";
import { done, type Refusal, type Result, refuse } from "../domain/refusal.ts";
import type { Remembered } from "../store/store.ts";
import { commit } from "./commit.ts";
import type { Operated, OperateRequest } from "./gateway.ts";
import { measureChanges } from "./measure.ts";
import { tellOthers } from "./offer.ts";
import { recordCreated } from "./persist.ts";
import { Plan } from "./plan.ts";
import { announce, poolsOf } from "./reserve.ts";
import { type CoordinatorDeps, type Session, SessionOver, written } from "./session.ts";
import { findTargets } from "./targets.ts";
import { refillWindow, wakeFor } from "./timers.ts";
import { updateOf } from "./update.ts";

/** `waiting`: submissions that are admitted and not written yet. */
export async function operate(
  deps: CoordinatorDeps,
  session: Session,
  request: OperateRequest,
  waiting: () => number,
): Promise<Result<Operated>> {
  const refusal = refusalOf(deps, session, request);
  if (refusal !== null) return refuse(refusal);
  const known = await answeredBefore(deps, request);
  if (known !== null) return known;
  const { workloads, hasMore } = await findTargets(deps, session, request);
  const plan = new Plan(deps, session, request, waiting());
  for (const [id, workload] of workloads) plan.take(id, workload);
  const whole = plan.wholeRefusal;
  if (whole !== null) return refuse(whole);
  const operated = { operations: plan.operations, hasMore: hasMore || plan.isCut };
  await carryOut(deps, session, plan, plan.isRefused ? null : rememberedAs(request, operated));
  return done(operated);
}

function refusalOf({ poolNames }: CoordinatorDeps, { customer }: Session, { action }: OperateRequest): Refusal | null {
  if (customer.suspended) return { kind: "customer_suspended" };
  if (action.kind !== "move" || action.pool === undefined || poolNames.includes(action.pool)) return null;
  return { kind: "unknown_pool", pool: action.pool };
}

/** What was done already is not done again: its answer was lost, and is given again. */
async function answeredBefore(
  { store, customerId, now }: CoordinatorDeps,
  { idempotency }: OperateRequest,
): Promise<Result<Operated> | null> {
  const known = idempotency === null ? null : await store.replyUnder(customerId, idempotency, now());
  if (known === null) return null;
  return known.kind === "conflict" ? refuse({ kind: "idempotency_conflict" }) : done(operatedOf(known.reply));
}

const rememberedAs = ({ idempotency }: OperateRequest, operated: Operated): Remembered | null =>
  idempotency === null ? null : { ...idempotency, reply: plainJson(operated) };

/** Of `rememberedAs`: the hash of a request names its path, so no other answer stands under it. */
const operatedOf = (reply: Json): Operated => JSON.parse(JSON.stringify(reply));

/** What takes a place in the queue counts from here on, so that no submission takes it meanwhile. */
async function carryOut(
  deps: CoordinatorDeps,
  session: Session,
  plan: Plan,
  remember: Remembered | null,
): Promise<void> {
  session.bucket = plan.bucket;
  session.entering += plan.entering;
  const pools = touchedPools(session, plan);
  try {
    if (plan.submissions.length > 0) await insertRetries(deps, session, plan, remember);
    else await applyChanges(deps, session, plan, remember);
  } finally {
    session.entering -= plan.entering;
  }
  await refillWindow(deps, session);
  tellPools(deps, session, plan, pools);
}

async function applyChanges(
  deps: CoordinatorDeps,
  session: Session,
  { changes }: Plan,
  remember: Remembered | null,
): Promise<void> {
  for (const { next } of changes) wakeFor(deps, session, next);
  await commit(deps, session, changes, [], remember);
  measureChanges(session, changes, deps.now());
}

/** Their inputs are copied where they are, so no slot is taken for them ahead: they wait, and the pool is told. */
async function insertRetries(
  deps: CoordinatorDeps,
  session: Session,
  { submissions }: Plan,
  idempotency: Remembered | null,
): Promise<void> {
  await announce(deps, session, poolsOf(submissions.map(({ workload }) => workload)));
  const outcomes = written(await deps.store.insert(session.lead, [{ submissions, idempotency }], deps.now()));
  if (outcomes[0]?.kind !== "created") throw new SessionOver("a key was taken by another while this leads");
  recordCreated(session, submissions, deps.now());
}

/** Where something was, or will be. */
function touchedPools({ book }: Session, { changes, submissions, stops }: Plan): string[] {
  const changed = changes.flatMap(({ next }) => [next.pool, book.get(next.workloadId)?.pool ?? next.pool]);
  const submitted = submissions.map(({ workload }) => workload.pool);
  return [...new Set([...changed, ...submitted, ...stops.map(({ pool }) => pool)])];
}

function tellPools(deps: CoordinatorDeps, session: Session, { stops }: Plan, pools: readonly string[]): void {
  for (const pool of pools) {
    const own = stops.filter((one) => one.pool === pool).map(({ stop }) => stop);
    deps.background(deps.pool(pool).update(updateOf(session, pool, { stops: own })));
  }
  tellOthers(deps, session, pools, []);
}

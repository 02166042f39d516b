/** Changes what a customer is and owns beside its workloads: decided by what is read in the lane, written and remembered once. */
import { plainJson } from "../../schema/json.ts";
import {
  type ChangeKind,
  type DirectoryChanges,
  type DirectoryReplies,
  replySchemas,
} from "../domain/directory-change.ts";
import { done, type Result, refuse } from "../domain/refusal.ts";
import { type IdempotencyKey, type Remembered, StoreRejected } from "../store/store.ts";
import { issueKey, revokeKey, rotateKey } from "./directory-keys.ts";
import { setTerms } from "./directory-terms.ts";
import { createType, deleteType, replaceType } from "./directory-types.ts";
import type { Directed, DirectRequest } from "./gateway.ts";
import type { CoordinatorDeps, Session } from "./session.ts";

/** What else in this object has to do with it. */
export interface Surroundings {
  /** Submissions of this type are admitted, and not written yet. */
  readonly isEntering: (workloadType: string) => boolean;
  /** Ends what is watched with this key, at that time or at once. */
  readonly endWatching: (keyId: string, at: number) => void;
  /** Ends what anybody watches: the customer is suspended. */
  readonly endAllWatching: () => void;
}

/** All that a change is carried out with. `remember`: under which key its reply is to be written along; null: none. */
export interface Work<K extends ChangeKind> extends Surroundings {
  readonly deps: CoordinatorDeps;
  readonly session: Session;
  readonly now: number;
  readonly remember: (reply: DirectoryReplies[K]) => Remembered | null;
}

export type Carrier<K extends ChangeKind> = (
  work: Work<K>,
  what: DirectoryChanges[K],
) => Promise<Result<DirectoryReplies[K]>>;

const carriers: { readonly [K in ChangeKind]: Carrier<K> } = {
  create_type: createType,
  replace_type: replaceType,
  delete_type: deleteType,
  issue_key: issueKey,
  rotate_key: rotateKey,
  revoke_key: revokeKey,
  set_terms: setTerms,
};

export async function direct<K extends ChangeKind>(
  deps: CoordinatorDeps,
  session: Session,
  request: DirectRequest<K>,
  surroundings: Surroundings,
): Promise<Result<Directed<K>>> {
  if (session.customer.suspended && !request.byOperator) return refuse({ kind: "customer_suspended" });
  const idempotency = ownKey(request);
  const known = await answeredBefore(deps, request.change.kind, idempotency);
  if (known !== null) return known;
  const { kind, what } = request.change;
  const remember = (reply: DirectoryReplies[K]): Remembered | null =>
    idempotency === null ? null : { ...idempotency, reply: plainJson(reply) };
  const result = await carryOut(deps, () =>
    carriers[kind]({ deps, session, now: deps.now(), remember, ...surroundings }, what),
  );
  if (!result.ok) return result;
  const fields = { customer_id: deps.customerId, change: kind, actor: request.actor.id };
  deps.log.info(fields, "the directory was changed");
  return done({ reply: result.value });
}

/** What the database refuses was wrong in the request, and changed nothing. */
async function carryOut<T>(deps: CoordinatorDeps, work: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StoreRejected)) throw error;
    deps.log.error({ err: error, customer_id: deps.customerId }, "a change of the directory cannot be stored");
    return refuse({ kind: "unstorable" });
  }
}

/** The operator's keys stand beside the customer's own: a header cannot hold a line break, so neither meets the other's. */
const ownKey = <K extends ChangeKind>({ idempotency, byOperator }: DirectRequest<K>): IdempotencyKey | null =>
  idempotency === null || !byOperator ? idempotency : { ...idempotency, key: `operator\n${idempotency.key}` };

async function answeredBefore<K extends ChangeKind>(
  { store, customerId, now }: CoordinatorDeps,
  kind: K,
  idempotency: IdempotencyKey | null,
): Promise<Result<Directed<K>> | null> {
  const known = idempotency === null ? null : await store.replyUnder(customerId, idempotency, now());
  if (known === null) return null;
  if (known.kind === "conflict") return refuse({ kind: "idempotency_conflict" });
  return done({ reply: replySchemas[kind].parse(known.reply) });
}

/** A run of the retention: everything that is too old, a batch at a time, until there is no more of it or time is up. */
import { retentionRunSecondsMax } from "../../schema/limits.ts";
import { type RetentionTerms, type TooOld, tooOld } from "../domain/retention.ts";
import type { RetentionStore } from "../store/retention-store.ts";
import type { Log } from "../telemetry/log.ts";

export interface RetentionDeps {
  readonly store: RetentionStore;
  readonly terms: RetentionTerms;
  readonly clock: () => number;
  readonly log: Log;
}

/** Never rejects: what fails is logged, and keeps no other kind from its turn. The next run goes on where this one ended. */
export async function retain(deps: RetentionDeps): Promise<void> {
  const startedAt = deps.clock();
  const endBy = startedAt + retentionRunSecondsMax * 1_000;
  for (const what of tooOld(deps.terms, startedAt)) await retainKind(deps, what, endBy);
}

async function retainKind({ store, clock, log }: RetentionDeps, what: TooOld, endBy: number): Promise<void> {
  const fields = { component: "retention", kind: what.kind, before: new Date(what.before).toISOString() };
  let rows = 0;
  try {
    for (let isMore = true; isMore && clock() < endBy; ) {
      const some = await store.dropSome(what, clock());
      rows += some.rows;
      isMore = some.isMore;
    }
  } catch (err) {
    log.error({ ...fields, err }, "what is too old could not be dropped");
  }
  if (rows > 0) log.info({ ...fields, rows }, "what was too old is gone");
}

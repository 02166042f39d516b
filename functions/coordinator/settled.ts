/** Waiting for a workload to give up its slot as it was asked to, beside the lane: what it waits for goes through there. */
import type { WorkloadId } from "../../schema/ids.ts";
import type { WorkloadStatus } from "../../schema/status.ts";
import type { Result } from "../domain/refusal.ts";
import type { CoordinatorDeps, Leadership, Session } from "./session.ts";

/** The status after at most `ms`; null: there is no such workload. */
export async function settledStatus(
  deps: CoordinatorDeps,
  leadership: Leadership,
  id: WorkloadId,
  ms: number,
): Promise<Result<WorkloadStatus | null>> {
  const asked = await leadership.beside(async (session) => ({ freed: freed(session, id, ms) }));
  if (!asked.ok) return asked;
  await asked.value.freed;
  return leadership.beside((session) => statusOf(deps, session, id));
}

function freed({ book, settling }: Session, id: WorkloadId, ms: number): Promise<void> | null {
  const intent = book.get(id)?.intent ?? null;
  return intent === null ? null : settling.freed(id, ms);
}

async function statusOf(
  { store, customerId }: CoordinatorDeps,
  { book }: Session,
  id: WorkloadId,
): Promise<WorkloadStatus | null> {
  const known = book.get(id) ?? (await store.find(customerId, [id]))[0];
  return known?.status ?? null;
}

/** Whether an assignment is taken: a pure choice, the same for the same assignment sent twice. */
import type { Assignment, AssignmentAnswer } from "../../schema/messages/assignment.ts";

export interface AdmissionView {
  readonly draining: boolean;
  /** The newest generation of this workload that was taken here, or null. */
  readonly knownGeneration: number | null;
  readonly knowsType: boolean;
  readonly slotsFree: number;
  /** An older attempt of this workload still has its slot here, and gives it to the new one. */
  readonly inheritsSlot: boolean;
}

export type Admission = "start" | "already_here" | NonNullable<AssignmentAnswer["reason"]>;

export function admit(assignment: Pick<Assignment, "generation">, view: AdmissionView): Admission {
  const { generation } = assignment;
  if (view.knownGeneration !== null && view.knownGeneration > generation) return "stale_generation";
  if (view.knownGeneration === generation) return "already_here";
  if (view.draining) return "draining";
  if (!view.knowsType) return "unknown_type";
  return view.slotsFree > 0 || view.inheritsSlot ? "start" : "no_slot";
}

export function answerOf({ workload_id, generation }: Assignment, admission: Admission): AssignmentAnswer {
  const address = { workload_id, generation };
  if (admission === "start" || admission === "already_here") return { ...address, accepted: true };
  return { ...address, accepted: false, reason: admission };
}

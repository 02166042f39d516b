/** A worker as placement sees it, from what it says of itself; its counts are the ledger's. */
import type { WorkerId } from "../../schema/ids.ts";
import type { Registration } from "../../schema/messages/to-coordinator.ts";
import type { Candidate } from "../domain/placement.ts";

export type Counts = Pick<Candidate, "used" | "running" | "resourcesUsed">;

export const countsOf = ({ used, running, resourcesUsed }: Candidate): Counts => ({ used, running, resourcesUsed });

export const candidateOf = (registration: Registration): Omit<Candidate, keyof Counts> => ({
  workerId: registration.worker_id,
  capabilities: new Set(registration.capabilities),
  tags: registration.tags,
  slots: registration.slots,
  resources: registration.resources ?? {},
});

/** It has not answered for itself yet: nothing fits it. */
export const unknownCandidate = (workerId: WorkerId): Candidate => ({
  workerId,
  capabilities: new Set(),
  tags: {},
  slots: 0,
  used: 0,
  running: new Map(),
  resources: {},
  resourcesUsed: { cpu_cores: 0, memory_mb: 0, disk_mb: 0 },
});

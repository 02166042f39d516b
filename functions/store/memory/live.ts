/** What live updates read on from, in memory. */
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import { detailOf } from "../../domain/detail.ts";
import { earliest } from "../../domain/earliest.ts";
import type { LiveEvent, LiveLine, LivePlace, StatusEvent, WorkloadPlace } from "../../domain/live.ts";
import type { LiveStart, LiveStore } from "../live-store.ts";
import type { AuditView } from "../store.ts";
import { viewOf } from "./reads.ts";
import { type LogRow, type Rows, rowOf, rowsOf, type WorkloadRow } from "./rows.ts";

export function liveStore(rows: Rows): LiveStore {
  const eventsOf = (customerId: CustomerId) =>
    rowsOf(rows, customerId)
      .flatMap(liveEvents)
      .sort((a, b) => a.eventId - b.eventId);
  return {
    async liveStart(customerId, workloadId, principalId) {
      const suspended = rows.customers.get(customerId)?.customer.suspended;
      if (suspended === undefined) return null;
      const keyEndsAt = keyEnds(rows, customerId).get(principalId) ?? null;
      if (workloadId === null) return { ...startOfAll(eventsOf(customerId)), suspended, keyEndsAt };
      const row = rowOf(rows, customerId, workloadId);
      return row === undefined ? null : { ...startOf(customerId, row), suspended, keyEndsAt };
    },
    async keyEnds(customerId, principalIds) {
      return new Map([...keyEnds(rows, customerId)].filter(([keyId]) => principalIds.includes(keyId)));
    },
    eventsAfter: async (customerId, eventId, limit) =>
      eventsOf(customerId)
        .filter((event) => event.eventId > eventId)
        .slice(0, limit),
    newsAfter: async (customerId, places, limit) =>
      places.map((place) => {
        const row = rowOf(rows, customerId, place.workloadId);
        return row === undefined ? { events: [], lines: [] } : newsOf(row, place, limit);
      }),
    async results(customerId, ids) {
      const found = ids.flatMap((id) => rowOf(rows, customerId, id) ?? []);
      const completed = found.filter(({ workload }) => workload.status === "COMPLETED");
      return new Map(completed.map(({ workload, result }) => [workload.workloadId, result]));
    },
  };
}

/** Of those that end, or have ended. */
function keyEnds(rows: Rows, customerId: CustomerId): ReadonlyMap<string, number> {
  const own = rows.keys.filter((key) => key.customerId === customerId);
  return new Map(
    own.flatMap(({ keyId, revokedAt, expiresAt }) => {
      const at = earliest(revokedAt, expiresAt);
      return at === null ? [] : [[keyId, at] as const];
    }),
  );
}

type Start = Omit<LiveStart, "suspended" | "keyEndsAt">;

const startOfAll = (events: readonly LiveEvent[]): Start => ({
  place: { eventId: events.at(-1)?.eventId ?? 0, generation: 0, line: 0 },
  workload: null,
});

function startOf(customerId: CustomerId, row: WorkloadRow): Start {
  const { workload_id, workload_type, status, progress_percent, progress_message, ...view } = viewOf(customerId, row);
  const { worker_id, generation, checkpoint_sequence, error, updated_at } = view;
  const state = { workload_id, workload_type, status, progress_percent, progress_message, worker_id };
  const last = liveLines(row).at(-1);
  const place = { eventId: Number(row.audit.at(-1)?.event_id ?? 0), generation: last?.generation ?? 0 };
  return {
    place: { ...place, line: last?.line ?? 0 },
    workload: { ...state, generation, checkpoint_sequence, error, updated_at },
  };
}

const newsOf = (row: WorkloadRow, place: WorkloadPlace, limit: number) => ({
  events: liveEvents(row)
    .filter(({ eventId }) => eventId > place.eventId)
    .slice(0, limit),
  lines: liveLines(row)
    .filter((line) => isAfter(line, place))
    .slice(0, limit),
});

const isAfter = (line: LiveLine, place: LivePlace): boolean =>
  line.generation > place.generation || (line.generation === place.generation && line.line > place.line);

const liveLines = ({ logs }: WorkloadRow): LiveLine[] =>
  [...logs.values()].map(toLine).sort((a, b) => a.generation - b.generation || a.line - b.line);

const toLine = ({ timestamp: _, ...line }: LogRow): LiveLine => line;

const liveEvents = ({ workload, audit }: WorkloadRow): LiveEvent[] =>
  audit.map((event, index) => liveEvent(workload.workloadId, event, audit.slice(0, index)));

const quiet = ["workload.created", "workload.progress_updated", "workload.checkpoint_created"];
const noStatus = ["workload.progress_updated", "workload.checkpoint_created", "workload.moved"];

function liveEvent(workloadId: WorkloadId, event: AuditView, earlier: readonly AuditView[]): LiveEvent {
  const { event_id, event_type: eventType, actor_id: actorId, generation, details, timestamp } = event;
  const isQuiet = quiet.includes(eventType);
  const progress = earlier.findLast(({ event_type }) => event_type === "workload.progress_updated");
  return {
    ...{ eventId: Number(event_id), workloadId, eventType, actorId, generation, details, at: Date.parse(timestamp) },
    before: isQuiet ? null : statusEvent(earlier),
    progress: isQuiet ? null : (progress?.details ?? null),
  };
}

function statusEvent(earlier: readonly AuditView[]): StatusEvent | null {
  const at = earlier.findLastIndex(({ event_type }) => !noStatus.includes(event_type));
  const found = earlier[at];
  if (found === undefined) return null;
  const moved = earlier.slice(at).some(({ event_type }) => event_type === "workload.moved");
  return { eventType: found.event_type, reason: reasonIn(found), moved };
}

function reasonIn({ details }: AuditView): string | null {
  const reason = detailOf(details, "reason");
  return typeof reason === "string" ? reason : null;
}

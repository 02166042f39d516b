/** What each side may say and hear on the broker: a worker its own subjects, a coordinator those of its pool. */
import type { Pool } from "../../schema/affinity.ts";
import type { WorkerId } from "../../schema/ids.ts";
import {
  coordinatorSubscriptionsMax,
  messageBytesMax,
  workerReplySecondsMax,
  workerSubscriptionsMax,
} from "../../schema/limits.ts";
import {
  anyCommandsSubject,
  anyEventsSubject,
  anyInboxSubject,
  anyStatusSubject,
  below,
  broadcastSubject,
  commandsSubject,
  coordinatorInbox,
  eventsSubject,
  statusSubject,
  workerInbox,
} from "../../schema/messages/subjects.ts";

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** Answers to whom it heard a request from, wherever they want it; null: none but by `publish`. */
  readonly replies: { readonly perRequestMax: number; readonly secondsMax: number } | null;
  readonly subscriptionsMax: number;
  readonly payloadBytesMax: number;
}

/** It answers each command once, and has no other way into anybody's inbox. */
export const workerPermissions = (pool: Pool, worker: WorkerId): Permissions => ({
  publish: [eventsSubject(pool, worker), statusSubject(pool, worker)],
  subscribe: [commandsSubject(pool, worker), broadcastSubject(pool), below(workerInbox(pool, worker))],
  replies: { perRequestMax: 1, secondsMax: workerReplySecondsMax },
  subscriptionsMax: workerSubscriptionsMax,
  payloadBytesMax: messageBytesMax,
});

export const coordinatorPermissions = (pool: Pool): Permissions => ({
  publish: [anyCommandsSubject(pool), broadcastSubject(pool), anyInboxSubject(pool)],
  subscribe: [anyEventsSubject(pool), anyStatusSubject(pool), below(coordinatorInbox(pool))],
  replies: null,
  subscriptionsMax: coordinatorSubscriptionsMax,
  payloadBytesMax: messageBytesMax,
});

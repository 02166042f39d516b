/** What Postgres says of a customer's workloads, read past every layer that is under test. */
import { createHash } from "node:crypto";
import pg from "pg";
import type { CustomerId } from "../../schema/ids.ts";
import type { WorkloadStatus } from "../../schema/status.ts";

export interface RecordedEvent {
  readonly type: string;
  readonly actorType: string;
  readonly actorId: string;
  readonly generation: number;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface RecordedCheckpoint {
  readonly sequence: number;
  readonly generation: number;
  /** All its bytes are there, and they are the announced ones. */
  readonly isWhole: boolean;
}

export interface History {
  readonly id: string;
  readonly status: WorkloadStatus;
  readonly generation: number;
  readonly workerId: string | null;
  readonly retryCount: number;
  readonly maxRetries: number;
  readonly deathCount: number;
  readonly checkpointSequence: number;
  readonly hasResult: boolean;
  readonly hasCompletedAt: boolean;
  /** In the order of their event ids. */
  readonly events: readonly RecordedEvent[];
  /** In the order of their sequences. */
  readonly checkpoints: readonly RecordedCheckpoint[];
}

const workloadsOf = `select workload_id as id, status, generation, worker_id as "workerId", retry_count as "retryCount",
  max_retries as "maxRetries", death_count as "deathCount", checkpoint_sequence as "checkpointSequence",
  result_data is not null as "hasResult", completed_at is not null as "hasCompletedAt"
  from workloads where customer_id = $1 order by workload_id`;
const eventsOf = `select workload_id as id, event_type as type, actor_type as "actorType", actor_id as "actorId",
  generation, details from audit_events where customer_id = $1 order by event_id`;
const checkpointsOf = `select k.workload_id as id, k.sequence, k.generation, k.size_bytes as bytes, k.sha256, k.chunks,
  (select count(*)::int from checkpoint_chunks c where c.customer_id = o.customer_id and c.workload_id = o.workload_id
    and c.sequence = o.sequence and c.generation = o.generation) as found,
  (select string_agg(data, ''::bytea order by chunk_index) from checkpoint_chunks c
    where c.customer_id = o.customer_id and c.workload_id = o.workload_id and c.sequence = o.sequence
      and c.generation = o.generation) as data
  from checkpoints k join checkpoints o on o.customer_id = k.customer_id and o.sequence = k.sequence
    and o.workload_id = coalesce(k.chunks_of, k.workload_id)
  where k.customer_id = $1 order by k.workload_id, k.sequence`;

type Of<T> = T & { readonly id: string };
interface CheckpointRow {
  readonly sequence: number;
  readonly generation: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly chunks: number;
  readonly found: number;
  readonly data: Buffer | null;
}
type WorkloadRow = Omit<History, "events" | "checkpoints">;

export async function readHistories(databaseUrl: string, customerId: CustomerId): Promise<History[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const workloads = await client.query<WorkloadRow>(workloadsOf, [customerId]);
    const events = await client.query<Of<RecordedEvent>>(eventsOf, [customerId]);
    const checkpoints = await client.query<Of<CheckpointRow>>(checkpointsOf, [customerId]);
    const eventsById = Map.groupBy(events.rows, ({ id }) => id);
    const checkpointsById = Map.groupBy(checkpoints.rows, ({ id }) => id);
    return workloads.rows.map((row) => ({
      ...row,
      events: eventsById.get(row.id) ?? [],
      checkpoints: (checkpointsById.get(row.id) ?? []).map(judged),
    }));
  } finally {
    await client.end();
  }
}

const judged = ({ sequence, generation, ...row }: CheckpointRow): RecordedCheckpoint => ({
  sequence,
  generation,
  isWhole: row.found === row.chunks && row.data !== null && isAnnounced(row.data, row),
});

const isAnnounced = (data: Buffer, { bytes, sha256 }: Pick<CheckpointRow, "bytes" | "sha256">): boolean =>
  data.length === bytes && createHash("sha256").update(data).digest("hex") === sha256;

/** Every limit of the system, with its unit and bound in the name; the relations between them stand at the end. */

const kib = 1024;
const mib = 1024 * kib;

// HTTP
export const bodyBytesMax = 1 * mib;
export const jsonDepthMax = 32;
export const inputBytesMax = 512 * kib;
export const batchItemsMax = 1_000;
export const listItemsMax = 100;
export const listItemsDefault = 50;
export const logLinesPageMax = 1_000;
export const logLinesPageDefault = 100;
export const offsetMax = 100_000;
export const labelsMax = 64;
export const labelLengthMax = 256;
export const idempotencyKeyLengthMax = 255;
export const reasonLengthMax = 1_000;
export const priorityMax = 1_000;
export const priorityDefault = 10;
export const timeoutSecondsMax = 30 * 24 * 3_600;
export const runAtAheadSecondsMax = 365 * 24 * 3_600;
export const apiKeyCacheSeconds = 5;
export const nameLengthMax = 128;
export const descriptionLengthMax = 1_000;
export const configBytesMax = 64 * kib;
export const typesMax = 1_000;
export const apiKeysMax = 100;
export const keyRotationOverlapSecondsDefault = 24 * 3_600;
export const keyRotationOverlapSecondsMax = 30 * 24 * 3_600;
export const keyLastUsedSeconds = 60;
export const pauseWaitSeconds = 5;
export const statisticsDaysMax = 366;
export const retriesMax = 100;
export const retryMsMax = 24 * 3_600_000;
export const checkpointIntervalSecondsMax = 24 * 3_600;

// Wrong credentials from one address, in each isolate
export const failuresPerSecond = 1;
export const failuresBurst = 30;

// Live updates
export const watchersMax = 10_000;
export const watchTokenSeconds = 10;
export const liveEventsPageMax = 500;

// Scheduling
export const waitBoostPerMinuteDefault = 5;
export const demandItemsMax = 512;
export const queueWindowMax = 5_000;
export const queueWindowLow = 1_000;
/** Lines of one customer's queue in mind at once; of more than that, the others get their turn. */
export const queueLinesMax = 256;
export const queueLinesTurnSeconds = 30;
export const groupCommitRowsMax = 1_000;
/** A call between objects takes 32 MiB at most. */
export const groupCommitBytesMax = 8 * mib;
export const exchangeDispatchBytesMax = 8 * mib;
/** Of submissions that wait for their statement, in the memory of one coordinator. */
export const admissionBytesMax = 32 * mib;
export const samplesMax = 10_000;

// Workers, leases
export const heartbeatSecondsDefault = 5;
export const leaseSecondsDefault = 15;
export const leaseHeartbeatsMin = 3;
export const leaseMarginFraction = 0.2;
export const assignmentTimeoutSecondsDefault = 10;
export const assignmentTriesMax = 3;
export const workerDeathsMaxDefault = 5;
export const drainSecondsDefault = 300;
export const slotsMax = 10_000;
export const tagsMax = 64;
export const capabilitiesMax = 256;
export const timeoutGraceSeconds = 10;

// Broker connections: the same on both sides
export const brokerPingSeconds = 2;
export const brokerPingsOutMax = 1;
export const brokerConnectSecondsMax = 3;

// Broker messages: nats-server accepts 1 MiB by default
export const messageBytesMax = 1 * mib;
export const messageBatchBytesMax = 400 * kib;
export const messageEventsMax = 1_000;
export const logLineBytesMax = 16 * kib;
export const logLinesPerMessageMax = 500;
export const progressMessageLengthMax = 500;
export const errorMessageLengthMax = 4_000;
export const resultBytesMax = 512 * kib;

// Checkpoints
export const checkpointBytesMax = 10 * mib;
export const checkpointChunkBytes = 384 * kib;
export const checkpointChunksMax = Math.ceil(checkpointBytesMax / checkpointChunkBytes);
export const checkpointsKeptMax = 10;
export const checkpointIntervalSecondsDefault = 300;
export const checkpointProgressPercentDefault = 10;

// Retries
export const retriesMaxDefault = 3;
export const retryBaseMsDefault = 1_000;
export const retryCapMsDefault = 300_000;

// Retention
export const idempotencyKeyHoursDefault = 24;

/** Generations, sequences and lines are four-byte integers in Postgres. */
export const sequenceMax = 2 ** 31 - 1;

/** Relations that the rest of the system relies on; a unit test walks them. */
export const limitRelations: ReadonlyArray<readonly [string, boolean]> = [
  ["a lease outlives three heartbeats", leaseSecondsDefault >= leaseHeartbeatsMin * heartbeatSecondsDefault],
  [
    "a half-open connection is noticed in half the time that a worker has until it fences itself",
    brokerPingSeconds * (brokerPingsOutMax + 1) * 2 <= leaseSecondsDefault * (1 - leaseMarginFraction),
  ],
  ["a chunk in base64 fits a broker message", (checkpointChunkBytes * 4) / 3 + 4 * kib < messageBytesMax],
  ["one input beside a full batch fits a broker message", inputBytesMax + messageBatchBytesMax < messageBytesMax],
  ["one result beside a full batch fits a broker message", resultBytesMax + messageBatchBytesMax < messageBytesMax],
  ["an input fits a body", inputBytesMax < bodyBytesMax],
  ["the queue is refilled before a demand can run dry", queueWindowLow >= demandItemsMax],
  ["the window holds more than its low mark", queueWindowMax > queueWindowLow],
  ["the first of every line fits half a demand", queueLinesMax <= demandItemsMax / 2],
  ["every line has room in the window", queueLinesMax <= queueWindowMax],
  ["what one group commit hands out fits an update", groupCommitBytesMax <= exchangeDispatchBytesMax],
  ["a request fits a group commit", bodyBytesMax <= groupCommitBytesMax],
];

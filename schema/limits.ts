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
/** Who asks for no limit gets the whole trail of nearly every workload at once. */
export const auditEventsPageMax = 1_000;
export const auditEventsPageDefault = auditEventsPageMax;
export const attemptsPageMax = 1_000;
export const attemptsPageDefault = attemptsPageMax;
export const offsetMax = 100_000;
export const labelsMax = 64;
export const labelLengthMax = 256;
export const labelFiltersMax = 8;
export const labelFilterLengthMax = 400;
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
export const statisticsDaysDefault = 7;
export const retriesMax = 100;
export const retryMsMax = 24 * 3_600_000;
export const checkpointIntervalSecondsMax = 24 * 3_600;
/** Cores, or megabytes. */
export const resourceAmountMax = 1_000_000_000;

// What an operator may grant beyond a tier
export const overrideCountMax = 10_000_000;
export const overrideRateMax = 100_000;
export const overrideWeightMax = 10_000;

// Readiness: how long an answer is given again, in each isolate
export const readySecondsMax = 1;
export const readyWaitSecondsMax = 2;

// Wrong credentials from one address, in each isolate
export const failuresPerSecond = 1;
export const failuresBurst = 30;
/** How often, and how many times, one looks whether others of its address have turned out right: a second in all. */
export const failureLookMs = 1;
export const failureLooksMax = 1_000;

// Requests of a pool's agents, in each isolate. Of a thousand workers that come back at once, each enrols and wakes its
// pool: none is held up. After that each may go on waking once a second, as agents do at most; and the pool's scheduler,
// whom each request asks, is one object, which serves about so many in a second.
export const poolRequestsPerSecond = 1_000;
export const poolRequestsBurst = 2_000;

// Bearer tokens
export const bearerTokenLengthMax = 8 * kib;
export const jwtToleranceSeconds = 5;
export const jwtSubjectLengthMax = 255;
export const jwtSecretBytesMin = 32;
/** How old the keys of an issuer may become before they are read again. */
export const jwksAgeSecondsMax = 600;
/** While the issuer does not answer, keys that were read before go on being believed. */
export const jwksOutageSecondsMax = 24 * 3_600;
/** A key that nobody knows makes them be read again, at most this often. */
export const jwksCooldownSeconds = 30;
export const jwksRetrySeconds = 5;
export const jwksAnswerSecondsMax = 5;

// Live updates
export const watchersMax = 10_000;
export const watchTokenSeconds = 10;
/** A first message: the token, and the JSON around it. */
export const watchTokenMessageLengthMax = bearerTokenLengthMax + 256;
/** Lines that wait for their first message, in each isolate, and of one address. */
export const watchDoorsMax = 1_000;
export const watchDoorsOfAddressMax = 20;
export const liveEventsPageMax = 500;
/** Streams that one statement reads on for, and how much of each where there are many. */
export const livePlacesMax = 500;
export const liveEventsEachMin = 10;
/** Streams of all workloads at different places that one turn reads on for. */
export const livePagesMax = 8;
/** Results read by one statement: each may be as large as `resultBytesMax`. */
export const liveResultsMax = 16;
/** How long a write that ends streams may take: with the next session behind it, less than a key is remembered. */
export const streamsEndMsMax = 3_000;
/** Messages of a watcher that mean nothing before it is sent away. */
export const watchNonsenseMax = 3;
/** Messages that wait for a slow reader of events before it is sent away. */
export const liveBacklogMax = 10_000;
export const liveRetryMs = 1_000;
export const liveKeepAliveSeconds = 15;

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
/** Of the inputs that one retry of many copies, within the database. */
export const retryBytesMax = 8 * mib;
/** Of submissions that wait for their statement, in the memory of one coordinator. */
export const admissionBytesMax = 32 * mib;
export const samplesMax = 10_000;
/** Of the ends of attempts that forecasts are made from. */
export const rateWindowSeconds = 300;
/** What has been counted for a shorter time is taken to be that of so long: a few ends at once are no rate. */
export const rateWindowSecondsMin = 10;
/** A worker that is to let go of a workload is told again so often. */
export const stopAgainSeconds = 2;

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
/** Attempts that a worker may list beyond its slots, when nobody knows of them yet: their end is being written. */
export const heldBeyondSlotsMax = 64;
/** Customers that workers speak of and their pool does not know, kept in its memory; and of those that one statement asks for. */
export const strangersMax = 10_000;
export const strangersAskedMax = 1_000;
/** Coordinators that one pool asks at once what they hold. */
export const tenantsAttachingMax = 50;
export const timeoutGraceSeconds = 10;

// Broker connections: the same on both sides
export const brokerPingSeconds = 2;
export const brokerPingsOutMax = 1;
export const brokerConnectSecondsMax = 3;
/** When the broker is back, each worker is back after this time at the latest: they do not come all at once. */
export const brokerReturnSecondsMax = 3;
/** A broker that answers no ping for so long hears nobody. */
export const brokerAnswerSecondsMax = 1;

// Credentials for the broker
export const agentCredentialSecondsDefault = 3_600;
export const agentCredentialSecondsMin = 60;
export const agentCredentialSecondsMax = 24 * 3_600;
/** A coordinator keeps its own to itself, and makes another whenever it connects. */
export const coordinatorCredentialSeconds = 24 * 3_600;
/** Of one connection; a worker has three: commands, broadcasts, replies. */
export const workerSubscriptionsMax = 16;
export const coordinatorSubscriptionsMax = 64;
/** How long a worker may answer what it was asked. */
export const workerReplySecondsMax = 30;

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
/** How far above the newest one the next may be numbered: a worker counts those on too that were refused. */
export const checkpointStepMax = 16;
export const checkpointIntervalSecondsDefault = 300;
export const checkpointProgressPercentDefault = 10;

// Retries
export const retriesMaxDefault = 3;
export const retryBaseMsDefault = 1_000;
export const retryCapMsDefault = 300_000;

// Dependencies
/** So many requests in a row that the database did not serve, and the next fail at once. */
export const circuitFailuresMax = 5;
/** Then one in so many seconds tries. */
export const circuitOpenSeconds = 1;

// Retention
export const idempotencyKeyHoursDefault = 24;
/** After its end; then it is in the archive, for good. */
export const workloadRetentionDaysDefault = 90;
export const auditRetentionDaysDefault = 365;
export const logRetentionDaysDefault = 7;
/** Since a worker was last heard of. */
export const workerRetentionDaysDefault = 7;
export const retentionDaysMax = 3_650;
/** One statement moves or drops so many rows; with them go checkpoints of up to some megabytes each. */
export const archiveBatchRows = 500;
export const retentionBatchRows = 5_000;
/** A run that has more to do goes on an hour later; cron triggers may take a quarter of an hour. */
export const retentionRunSecondsMax = 600;

/** Generations, sequences and lines are four-byte integers in Postgres. */
export const sequenceMax = 2 ** 31 - 1;

/** Relations that the rest of the system relies on; a unit test walks them. */
export const limitRelations: ReadonlyArray<readonly [string, boolean]> = [
  ["a lease outlives three heartbeats", leaseSecondsDefault >= leaseHeartbeatsMin * heartbeatSecondsDefault],
  ["a worker may answer for as long as it is waited for", workerReplySecondsMax > assignmentTimeoutSecondsDefault],
  [
    "a half-open connection is noticed in half the time that a worker has until it fences itself",
    brokerPingSeconds * (brokerPingsOutMax + 1) * 2 <= leaseSecondsDefault * (1 - leaseMarginFraction),
  ],
  [
    "between two heartbeats an outage is noticed, and ended, before a lease is over",
    brokerPingSeconds * (brokerPingsOutMax + 1) + brokerConnectSecondsMax + heartbeatSecondsDefault <
      leaseSecondsDefault,
  ],
  ["readiness waits longer than a broker may take to answer", brokerAnswerSecondsMax < readyWaitSecondsMax],
  ["a chunk in base64 fits a broker message", (checkpointChunkBytes * 4) / 3 + 4 * kib < messageBytesMax],
  ["one input beside a full batch fits a broker message", inputBytesMax + messageBatchBytesMax < messageBytesMax],
  ["one result beside a full batch fits a broker message", resultBytesMax + messageBatchBytesMax < messageBytesMax],
  ["an input fits a body", inputBytesMax < bodyBytesMax],
  ["the queue is refilled before a demand can run dry", queueWindowLow >= demandItemsMax],
  ["the window holds more than its low mark", queueWindowMax > queueWindowLow],
  ["the first of every line fits half a demand", queueLinesMax <= demandItemsMax / 2],
  ["every line has room in the window", queueLinesMax <= queueWindowMax],
  ["what one group commit hands out fits an update", groupCommitBytesMax <= exchangeDispatchBytesMax],
  ["one input alone can be retried", inputBytesMax <= retryBytesMax],
  ["a request fits a group commit", bodyBytesMax <= groupCommitBytesMax],
  ["who waits with a first message holds up no other of its address", watchDoorsOfAddressMax < failuresBurst],
  ["keys are read again long before an outage ends them", jwksAgeSecondsMax * 2 <= jwksOutageSecondsMax],
  ["an unknown key is looked for before the keys are old", jwksCooldownSeconds < jwksAgeSecondsMax],
];

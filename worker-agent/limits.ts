/** The limits and intervals that only the agent knows; shared ones live in schema/limits.ts. */

const mib = 1024 * 1024;

// Talking to the coordinator
export const requestTimeoutMs = 10_000;
/** After a coordinator may have begun anew, for what was sent before: far above the time of a commit. */
export const overdueMs = 500;
export const resendBackoffBaseMs = 100;
export const resendBackoffCapMs = 2_000;
export const registerBackoffBaseMs = 250;
export const registerBackoffCapMs = 5_000;
export const registerTimeoutMs = 5_000;
export const rollCallJitterMsMax = 50;
export const enrolBackoffBaseMs = 250;
export const enrolBackoffCapMs = 10_000;
export const enrolTimeoutMs = 10_000;
/** Of the credentials' lifetime, less a random part of it so that a fleet does not come all at once. */
export const renewalFraction = 2 / 3;
export const renewalJitter = 0.1;
/** Between two renewals, also when the broker refuses what it is shown. */
export const renewalPauseMs = 1_000;
export const reconnectBackoffBaseMs = 100;
export const reconnectBackoffCapMs = 2_000;
export const wakeIntervalMs = 1_000;
export const wakeTimeoutMs = 10_000;
export const goodbyeTimeoutMs = 2_000;
export const goodbyeTriesMax = 3;

// Attempts
export const graceMsDefault = 5_000;
/** One pulse serves every running attempt: its logs, its progress, its deadline, its checkpoint, the fence. */
export const pulseMs = 100;
export const progressIntervalMs = 200;
export const logBytesUnsentMax = 4 * mib;
/** The newest lines of a log that comes too fast: kept aside, so that its end is there. */
export const logTailLinesMax = 200;
/** Characters: a control character is six bytes of JSON, and all of them fit one message. */
export const logTailLengthMax = 48 * 1024;
export const logDetailsBytesMax = 16 * 1024;
export const generationsRememberedMax = 20_000;

// Threads
export const threadMemoryMbDefault = 512;
export const idleThreadsMax = 8;
export const idleThreadMsMax = 60_000;
export const warmThreadsAtStart = 1;

// The end of the agent: how long its threads and their system calls may take to end
export const departureMsMax = 2_000;
export const departureCheckMs = 20;

// Checkpoints: what a state may be before it is compressed
export const stateBytesMax = 256 * mib;

// Processes: one string of an environment may hold 128 KiB on Linux, its name and NUL included
export const processInputBytesMax = 128 * 1024 - 64;
export const processLineBytesMax = 16 * mib;
export const processPipeGraceMs = 1_000;
/** After its exit, for the checkpoints that it announced. */
export const processSavesMsMax = 5_000;

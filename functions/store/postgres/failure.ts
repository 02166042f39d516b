/** Tells a database that cannot be reached from one that refuses the data; SQL text never leaves this folder. */
import { NeonDbError } from "@neondatabase/serverless";
import { DrizzleQueryError } from "drizzle-orm/errors";
import { StoreRejected, StoreUnavailable } from "../store.ts";

/**
 * SQLSTATE classes after which the same statement may pass another time: connection, read-only (a failover), rollback
 * (serialisation, deadlock), resources, locks, operator intervention, system, internal.
 */
const passingClasses = new Set(["08", "25", "40", "53", "55", "57", "58", "XX"]);
const passingStatus = /\(HTTP status (?:5\d\d|408|429)\)/;

/** Waits for one request; `what` says in words what it was for. */
export async function attempt<T>(what: string, request: PromiseLike<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    // Drizzle's own error carries the statement and its parameters in the message.
    throw storeError(what, error instanceof DrizzleQueryError ? error.cause : error);
  }
}

function storeError(what: string, cause: unknown): Error {
  return isRefusal(cause)
    ? new StoreRejected(`${what}: the database refused the data`, { cause })
    : new StoreUnavailable(`${what}: the database did not answer`, { cause });
}

function isRefusal(cause: unknown): boolean {
  if (!(cause instanceof NeonDbError) || cause.sourceError !== undefined) return false;
  if (cause.code) return !passingClasses.has(cause.code.slice(0, 2));
  return !passingStatus.test(cause.message);
}

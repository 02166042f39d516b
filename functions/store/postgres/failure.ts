/** Tells a database that cannot serve from one that refuses the data; SQL text never leaves this folder. */
import { NeonDbError } from "@neondatabase/serverless";
import { DrizzleQueryError } from "drizzle-orm/errors";
import { StoreRejected, StoreUnavailable } from "../store.ts";

/**
 * SQLSTATE classes that say that the data itself cannot be stored: bad values, broken constraints, what exceeds a limit of
 * the program. A refusal is final and loses what a worker brought, so nothing else counts as one: a wrong password, a
 * missing grant or a table that a deploy has not made yet are mended without the data, and the same statement passes then.
 */
const refusalClasses = new Set(["22", "23", "54"]);
/** Before the database sees a statement, only its size is held against it. */
const refusalStatus = /\(HTTP status 413\)/;

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
    : new StoreUnavailable(`${what}: the database did not serve it`, { cause });
}

function isRefusal(cause: unknown): boolean {
  if (!(cause instanceof NeonDbError) || cause.sourceError !== undefined) return false;
  return cause.code ? refusalClasses.has(cause.code.slice(0, 2)) : refusalStatus.test(cause.message);
}

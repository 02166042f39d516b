/** Which of a database's answers is final: only one that is about the data itself. */
import { NeonDbError } from "@neondatabase/serverless";
import { expect, test } from "vitest";
import { attempt } from "../../../functions/store/postgres/failure.ts";

const failing = (error: Error): Promise<string> =>
  attempt("trying", Promise.reject(error)).then(
    () => expect.fail("nothing failed"),
    (thrown: unknown) => (thrown instanceof Error ? thrown.name : expect.fail(String(thrown))),
  );

function answered(code: string): NeonDbError {
  const error = new NeonDbError("refused");
  error.code = code;
  return error;
}

test.each([
  ["22P05", "a text that cannot be stored"],
  ["22003", "a number out of range"],
  ["23514", "a broken check"],
  ["23505", "a key that exists"],
  ["54000", "a value beyond a limit of the program"],
])("%s (%s) is a refusal of the data", async (code) => {
  expect(await failing(answered(code))).toBe("StoreRejected");
});

test.each([
  ["28P01", "a password that was changed"],
  ["28000", "a role that may not log in"],
  ["42P01", "a table that is not there yet"],
  ["42501", "a missing grant"],
  ["0A000", "a plan that a migration changed"],
  ["26000", "a prepared statement of another connection"],
  ["3D000", "a database that is not there"],
  ["08006", "a connection that broke"],
  ["40P01", "a deadlock"],
  ["57P01", "a shutdown"],
  ["P0001", "an error that nobody has classed"],
])("%s (%s) passes another time", async (code) => {
  expect(await failing(answered(code))).toBe("StoreUnavailable");
});

test.each([
  [413, "StoreRejected"],
  [400, "StoreUnavailable"],
  [401, "StoreUnavailable"],
  [403, "StoreUnavailable"],
  [404, "StoreUnavailable"],
  [429, "StoreUnavailable"],
  [503, "StoreUnavailable"],
])("HTTP %i without a word of the database is %s", async (status, name) => {
  expect(await failing(new NeonDbError(`Server error (HTTP status ${status}): no`))).toBe(name);
});

test("a fetch that fails is no refusal, whatever its words", async () => {
  const error = new NeonDbError("Error connecting to database: (HTTP status 413)");
  error.sourceError = new TypeError("fetch failed");
  expect(await failing(error)).toBe("StoreUnavailable");
});

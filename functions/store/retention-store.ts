/** The contract of what keeps the tables small. */
import type { TooOld } from "../domain/retention.ts";

export interface RetentionStore {
  /**
   * Archives or drops the oldest of what is too old, one bounded batch; false: there is no more of it. Two at once do not
   * harm each other. Throws StoreUnavailable.
   */
  dropSome(what: TooOld, now: number): Promise<{ readonly rows: number; readonly isMore: boolean }>;
}

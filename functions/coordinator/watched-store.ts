/** The coordinator's store with ears: after each commit live updates hear what was written, wherever it was decided. */
import { closeCodes } from "../../schema/http/live.ts";
import { streamsEndMsMax } from "../../schema/limits.ts";
import type { CustomerDirectory } from "../store/directory.ts";
import { type CustomerStore, StoreUnavailable, type Written } from "../store/store.ts";
import type { LiveUpdates } from "./live.ts";

type Ears = Pick<LiveUpdates, "notice" | "noticeChanges" | "noticeAll" | "endAll" | "close">;

export function watchedStore<S extends CustomerStore & CustomerDirectory>(store: S, live: Ears): S {
  const heard = <T>(written: Written<T>, notice: () => void): Written<T> => {
    if (written.kind === "written") notice();
    // Another object leads: what it commits is not heard of here.
    else live.close(null, closeCodes.connectAgain, "another coordinator leads");
    return written;
  };
  return {
    ...store,
    // A new epoch: of what was under way before, nobody knows whether it was committed.
    lead: async (...asked) => {
      const state = await store.lead(...asked);
      if (state?.customer.suspended === true) live.endAll();
      live.noticeAll();
      return state;
    },
    insert: async (...asked) => heard(await store.insert(...asked), () => live.notice([])),
    apply: async (...asked) => {
      const [, changes, logs] = asked;
      const logged = logs.map(({ workloadId }) => workloadId);
      return heard(await store.apply(...asked), () => live.noticeChanges(changes, logged));
    },
    issueKey: (...asked) => answeredSoon(store.issueKey(...asked)),
    revokeKey: (...asked) => answeredSoon(store.revokeKey(...asked)),
    putTerms: (...asked) => answeredSoon(store.putTerms(...asked)),
  };
}

/** What may end streams: they go on for as long as a lost answer is waited for, and then until a new session has looked. */
async function answeredSoon<T>(write: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new StoreUnavailable("no answer in time")), streamsEndMsMax);
  try {
    return await Promise.race([write, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The coordinator's store with ears: after each commit live updates hear what was written, wherever it was decided. */
import { closeCodes } from "../../schema/http/live.ts";
import type { CustomerStore, Written } from "../store/store.ts";
import type { LiveUpdates } from "./live.ts";

type Ears = Pick<LiveUpdates, "notice" | "noticeChanges" | "noticeAll" | "endAll" | "close">;

export function watchedStore<S extends CustomerStore>(store: S, live: Ears): S {
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
  };
}

/** `noop`: does nothing, at once; what is left is the cost of the system itself. */
import { defineWorkload } from "../sdk.ts";

export const noop = defineWorkload({ type: "noop", isolation: "inline", run: () => ({}) });

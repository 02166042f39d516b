/** Looks at a workload again and again, as a user's script would, until the viewer has seen enough. */
import { setTimeout as delay } from "node:timers/promises";
import type { WorkloadView } from "../../../schema/http/workload.ts";
import type { WorkloadId } from "../../../schema/ids.ts";
import { isTerminal } from "../../../schema/status.ts";
import type { Client } from "./client.ts";

const lookEveryMs = 100;

/** Answers the view that was enough, or the workload's last one when it ended before. */
export async function follow(
  client: Client,
  id: WorkloadId,
  signal: AbortSignal,
  isEnough: (view: WorkloadView) => boolean,
): Promise<WorkloadView> {
  for (;;) {
    const view = await client.workload(id);
    if (isEnough(view) || isTerminal(view.status)) return view;
    await delay(lookEveryMs, undefined, { signal });
  }
}

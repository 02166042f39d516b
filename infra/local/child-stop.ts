/** Ends one child: the polite signal first, SIGKILL after a bound; or at once, when it does not become ready. */
import { setTimeout as delay } from "node:timers/promises";
import type { Child } from "./child.ts";

export interface StopManner {
  signal: NodeJS.Signals;
  boundMs: number;
}

export async function stopChild(child: Child, manner: StopManner): Promise<void> {
  child.process.kill("SIGCONT"); // a frozen process hears nothing else
  child.process.kill(manner.signal);
  const patience = new AbortController();
  const insist = delay(manner.boundMs, undefined, { signal: patience.signal }).then(
    () => child.process.kill("SIGKILL"),
    () => false, // it ended in time
  );
  await child.exited;
  patience.abort();
  await insist;
}

/** What `ready` answers; a child that does not become ready is not left behind. */
export async function orKill<Ready>(child: Child, ready: Promise<Ready>): Promise<Ready> {
  try {
    return await ready;
  } catch (error) {
    child.process.kill("SIGKILL");
    await child.exited;
    throw error;
  }
}

/** Tells the control plane over HTTP that something waits for it, when nobody listens on the broker. */
import type { Pool } from "../../schema/affinity.ts";
import type { Clock } from "../clock.ts";
import { wakeIntervalMs, wakeTimeoutMs } from "../limits.ts";
import type { AgentLog } from "../log.ts";
import { type ApiAccess, postToApi } from "./api.ts";

export interface WakeSettings extends ApiAccess {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly log: AgentLog;
}

export class WakeCall {
  readonly #settings: WakeSettings;
  #lastAt = Number.NEGATIVE_INFINITY;
  #underWay = false;

  constructor(settings: WakeSettings) {
    this.#settings = settings;
  }

  /** At most one call a second, and one at a time; whoever called tries its own message again anyway. */
  send(signal: AbortSignal): void {
    const now = this.#settings.clock.monotonic();
    if (this.#underWay || now - this.#lastAt < wakeIntervalMs) return;
    this.#lastAt = now;
    this.#underWay = true;
    void this.#post(signal).finally(() => {
      this.#underWay = false;
    });
  }

  async #post(signal: AbortSignal): Promise<void> {
    const { pool, log } = this.#settings;
    try {
      const bound = AbortSignal.any([signal, AbortSignal.timeout(wakeTimeoutMs)]);
      const reply = await postToApi(this.#settings, "/v1/agents/wake", { pool }, bound);
      await reply.body?.cancel();
      if (!reply.ok) log.warn({ status: reply.status }, "the wake call was refused");
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, "the wake call did not get through");
    }
  }
}

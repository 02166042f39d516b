/** Requests that are repeated until the coordinator answers, waking it when nobody listens. */
import type { CoordinatorReply, ToCoordinator } from "../../schema/messages/to-coordinator.ts";
import { overdueMs, requestTimeoutMs, resendBackoffBaseMs, resendBackoffCapMs } from "../limits.ts";
import type { AgentLog } from "../log.ts";
import { backoffMs } from "./backoff.ts";
import type { Channel, Intake, RequestOutcome } from "./intake.ts";
import { pause } from "./pause.ts";
import type { WakeCall } from "./wake.ts";

export interface CoordinatorParts {
  readonly intake: Intake;
  readonly wake: WakeCall;
  readonly log: AgentLog;
  readonly random: () => number;
  /** Hears that the operator has removed this worker: no message of it is taken any more. */
  readonly removed: () => void;
}

const resendBackoff = { baseMs: resendBackoffBaseMs, capMs: resendBackoffCapMs };

export class Coordinator {
  readonly #parts: CoordinatorParts;
  #hurry = new AbortController();
  /** Fires for requests in flight that somebody who listens would have answered by now. */
  #overdue = new AbortController();

  constructor(parts: CoordinatorParts) {
    this.#parts = parts;
  }

  /** One try; a silent coordinator is woken for the next one. */
  async tryOnce(channel: Channel, message: ToCoordinator, timeoutMs: number, signal: AbortSignal) {
    const outcome = await this.#parts.intake.request(channel, message, timeoutMs, signal);
    if (outcome.kind === "no_responders" || outcome.kind === "timeout") this.#parts.wake.send(signal);
    if (outcome.kind === "reply" && isRemoval(outcome.reply)) this.#parts.removed();
    return outcome;
  }

  /**
   * The same message until an answer comes that another try would not change.
   * Null when the signal fires first. `before` runs ahead of every try.
   */
  async ask(message: ToCoordinator, signal: AbortSignal, before?: () => void): Promise<CoordinatorReply | null> {
    for (let tries = 1; !signal.aborted; tries += 1) {
      before?.();
      const patience = AbortSignal.any([signal, this.#overdue.signal]);
      const outcome = await this.tryOnce("events", message, requestTimeoutMs, patience);
      if (signal.aborted) break;
      if (outcome.kind === "reply" && !wantsRetry(outcome.reply)) return outcome.reply;
      this.#parts.log.debug({ type: message.type, tries, why: whyAgain(outcome) }, "sending again");
      const waitMs = backoffMs(resendBackoff, tries, this.#parts.random());
      await pause(waitMs, AbortSignal.any([signal, this.#hurry.signal]));
    }
    return null;
  }

  /**
   * Somebody listens who may have begun anew: whoever waits for its next try may try at once, and what is in flight may be
   * on its way to one who died, so it is waited for only a little longer. Not for any plain sign of life: a coordinator
   * under load would get everything twice.
   */
  hurry(): void {
    this.#hurry.abort();
    this.#hurry = new AbortController();
    const overdue = this.#overdue;
    this.#overdue = new AbortController();
    setTimeout(() => overdue.abort(), overdueMs).unref();
  }
}

const isRemoval = (reply: CoordinatorReply): boolean => reply.type === "error" && reply.payload.code === "removed";
const wantsRetry = (reply: CoordinatorReply): boolean => reply.type === "error" && reply.payload.retry;

function whyAgain(outcome: RequestOutcome): string {
  if (outcome.kind === "failed") return outcome.problem;
  return outcome.kind === "reply" && outcome.reply.type === "error" ? outcome.reply.payload.message : outcome.kind;
}

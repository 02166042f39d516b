/** Registers the worker, for as long as it takes, and again when it is asked to. */

import type { z } from "zod";
import type { Registration as RegistrationPayload, registeredSchema } from "../../schema/messages/to-coordinator.ts";
import type { Clock } from "../clock.ts";
import { registerBackoffBaseMs, registerBackoffCapMs, registerTimeoutMs } from "../limits.ts";
import type { AgentLog } from "../log.ts";
import { backoffMs } from "./backoff.ts";
import type { Coordinator } from "./coordinator.ts";
import type { RequestOutcome } from "./intake.ts";
import { pause } from "./pause.ts";

export type Registered = z.infer<typeof registeredSchema>;

export interface RegistrationParts {
  readonly coordinator: Coordinator;
  readonly clock: Clock;
  readonly log: AgentLog;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly payload: () => RegistrationPayload;
  /** `sentAt`: when the acknowledged request left, monotonic. */
  readonly registered: (reply: Registered, sentAt: number) => void;
}

const backoff = { baseMs: registerBackoffBaseMs, capMs: registerBackoffCapMs };

export class Registration {
  readonly #parts: RegistrationParts;
  #underWay: Promise<void> | null = null;
  #again = false;

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
  }

  /** Resolves when a registration that began after this call is acknowledged, or the agent ends. */
  register(): Promise<void> {
    if (this.#underWay !== null) {
      this.#again = true;
      return this.#underWay;
    }
    this.#underWay = this.#untilSettled().finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  /** After a random part of `jitterMs`, so that a whole fleet does not answer at once. */
  async registerSoon(jitterMs: number): Promise<void> {
    await pause(this.#parts.random() * jitterMs, this.#parts.signal);
    await this.register();
  }

  async #untilSettled(): Promise<void> {
    do {
      this.#again = false;
      await this.#untilAcknowledged();
    } while (this.#again && !this.#parts.signal.aborted);
  }

  async #untilAcknowledged(): Promise<void> {
    const { coordinator, clock, log, random, signal } = this.#parts;
    for (let tries = 1; !signal.aborted; tries += 1) {
      const message = { type: "worker.register" as const, payload: this.#parts.payload() };
      const sentAt = clock.monotonic();
      const outcome = await coordinator.tryOnce("events", message, registerTimeoutMs, signal);
      if (outcome.kind === "reply" && outcome.reply.type === "registered") {
        return this.#parts.registered(outcome.reply.payload, sentAt);
      }
      if (isRefusal(outcome)) log.warn({ reply: outcome }, "the registration was refused");
      await pause(backoffMs(backoff, tries, random()), signal);
    }
  }
}

const isRefusal = (outcome: RequestOutcome): boolean => outcome.kind === "reply" || outcome.kind === "failed";

/** The worker's credentials for the broker: fetched before it connects, and again well before they expire. */
import type { KeyPair } from "@nats-io/nkeys";
import type { Pool } from "../../schema/affinity.ts";
import { type Enrolled, enrolledSchema } from "../../schema/http/agents.ts";
import { errorBodySchema } from "../../schema/http/error.ts";
import type { WorkerId } from "../../schema/ids.ts";
import type { Clock } from "../clock.ts";
import { enrolBackoffBaseMs, enrolBackoffCapMs, enrolTimeoutMs, renewalFraction, renewalJitter } from "../limits.ts";
import type { AgentLog } from "../log.ts";
import { type ApiAccess, postToApi } from "./api.ts";
import { backoffMs } from "./backoff.ts";
import { pause } from "./pause.ts";

export interface Credentials {
  readonly natsUrl: string;
  readonly jwt: string;
  readonly inboxPrefix: string;
  /** Monotonic: by this machine's own clock, however wrong its time of day is. */
  readonly renewAt: number;
}

/** Where credentials come from, newest first. */
export interface CredentialSource {
  /** Resolves when there are some, however long it takes. Rejects with `EnrolmentRefused`, or when the signal fires. */
  enrol(signal: AbortSignal): Promise<Credentials>;
  /** Like `enrol`, but asks again also when it is refused: what runs is not given up for that. */
  renew(signal: AbortSignal): Promise<Credentials>;
  /** The private half of the worker's key. */
  readonly seed: Uint8Array;
}

export interface EnrolmentSettings extends ApiAccess {
  readonly pool: Pool;
  readonly workerId: WorkerId;
  /** Made by the worker; only its public half ever leaves it. */
  readonly key: KeyPair;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: AgentLog;
}

/** The control plane does not know this worker, or does not want it: asking again would change nothing. */
export class EnrolmentRefused extends Error {
  override readonly name = "EnrolmentRefused";
}

type Outcome = { readonly enrolled: Enrolled } | { readonly refused: string } | { readonly problem: string };

const backoff = { baseMs: enrolBackoffBaseMs, capMs: enrolBackoffCapMs };

export class Enrolment implements CredentialSource {
  readonly #settings: EnrolmentSettings;
  readonly seed: Uint8Array;

  constructor(settings: EnrolmentSettings) {
    this.#settings = settings;
    this.seed = settings.key.getSeed();
  }

  enrol(signal: AbortSignal): Promise<Credentials> {
    return this.#untilEnrolled(signal, (reason) => {
      throw new EnrolmentRefused(reason);
    });
  }

  renew(signal: AbortSignal): Promise<Credentials> {
    return this.#untilEnrolled(signal, () => undefined);
  }

  async #untilEnrolled(signal: AbortSignal, refused: (reason: string) => void): Promise<Credentials> {
    const { clock, log, random } = this.#settings;
    for (let tries = 1; ; tries += 1) {
      signal.throwIfAborted();
      const askedAt = clock.monotonic();
      const outcome = await this.#ask(signal);
      if ("enrolled" in outcome) return this.#credentials(outcome.enrolled, askedAt);
      if ("refused" in outcome) refused(outcome.refused);
      log.warn({ ...outcome, tries }, "no credentials for the broker yet");
      await pause(backoffMs(backoff, tries, random()), signal);
    }
  }

  #credentials(enrolled: Enrolled, askedAt: number): Credentials {
    const fraction = renewalFraction * (1 - renewalJitter * this.#settings.random());
    return {
      natsUrl: enrolled.nats_url,
      jwt: enrolled.credentials,
      inboxPrefix: enrolled.inbox_prefix,
      renewAt: askedAt + enrolled.expires_in_seconds * 1_000 * fraction,
    };
  }

  async #ask(signal: AbortSignal): Promise<Outcome> {
    const { pool, workerId, key } = this.#settings;
    const body = { pool, worker_id: workerId, public_key: key.getPublicKey() };
    const bound = AbortSignal.any([signal, AbortSignal.timeout(enrolTimeoutMs)]);
    try {
      return await outcomeOf(await postToApi(this.#settings, "/v1/agents/enroll", body, bound));
    } catch (error) {
      return { problem: String(error) };
    }
  }
}

/** Too many requests, and whatever is the server's own trouble, will pass. */
const isFinal = (status: number): boolean => status >= 400 && status < 500 && status !== 408 && status !== 429;

async function outcomeOf(reply: Response): Promise<Outcome> {
  const text = await reply.text();
  if (reply.ok) return { enrolled: enrolledSchema.parse(JSON.parse(text)) };
  const said = `${reply.status} ${messageOf(text)}`;
  return isFinal(reply.status) ? { refused: said } : { problem: said };
}

/** What the control plane says about it; something in front of it may have answered in its place. */
function messageOf(text: string): string {
  try {
    return errorBodySchema.parse(JSON.parse(text)).error.message;
  } catch {
    return "without saying why";
  }
}

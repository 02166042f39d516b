/** The life of the agent: register, work, drain, goodbye. */
import type { Pool, Tags } from "../schema/affinity.ts";
import type { WorkerId } from "../schema/ids.ts";
import { heartbeatSecondsDefault, leaseSecondsDefault } from "../schema/limits.ts";
import type { Clock } from "./clock.ts";
import { Attempts } from "./execution/attempts.ts";
import { Pulse } from "./execution/pulse.ts";
import type { Runner } from "./execution/running.ts";
import { Commands } from "./intake/commands.ts";
import { Coordinator } from "./intake/coordinator.ts";
import type { Intake } from "./intake/intake.ts";
import { type Registered, Registration } from "./intake/registration.ts";
import type { WakeCall } from "./intake/wake.ts";
import { goodbyeTimeoutMs, goodbyeTriesMax } from "./limits.ts";
import type { AgentLog } from "./log.ts";
import { Fence } from "./report/fence.ts";
import { Heartbeat } from "./report/heartbeat.ts";
import { Outbox } from "./report/outbox.ts";

export interface AgentParts {
  readonly workerId: WorkerId;
  readonly pool: Pool;
  readonly slots: number;
  readonly tags: Tags;
  readonly version: string;
  readonly runners: ReadonlyMap<string, Runner>;
  readonly intake: Intake;
  readonly wake: WakeCall;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: AgentLog;
  /** Hears, whenever the lease is renewed, for how many milliseconds it goes on. */
  readonly leaseRenewed: (ms: number) => void;
}

export class Agent {
  readonly #parts: AgentParts;
  readonly #life = new AbortController();
  readonly #coordinator: Coordinator;
  readonly #fence: Fence;
  readonly #attempts: Attempts;
  readonly #heartbeat: Heartbeat;
  readonly #registration: Registration;
  readonly #commands: Commands;
  readonly #pulse = new Pulse(() => this.#beat());
  #isRegistered = false;
  #isFenced = false;
  #isDraining = false;
  #draining: Promise<void> | null = null;
  #onIdle: () => void = () => undefined;
  #drainCommanded: () => void = () => undefined;
  #removed: () => void = () => undefined;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    const { intake, wake, log, random, clock } = parts;
    this.#coordinator = new Coordinator({ intake, wake, log, random, removed: () => this.#removed() });
    this.#fence = new Fence(clock, leaseSecondsDefault * 1_000, parts.leaseRenewed);
    this.#attempts = this.#makeAttempts();
    this.#heartbeat = this.#makeHeartbeat();
    this.#registration = this.#makeRegistration();
    this.#commands = this.#makeCommands();
  }

  /**
   * Resolves when the worker is registered. `onDrain`: the coordinator asks the worker to leave. `onRemoved`: it takes
   * nothing from it any more, so all that runs has to end.
   */
  async start(onDrain: () => void, onRemoved: () => void): Promise<void> {
    this.#drainCommanded = onDrain;
    this.#removed = onRemoved;
    await this.#parts.intake.open(this.#commands, this.#life.signal);
    await this.#registration.register();
  }

  /** Takes nothing new, hands back what runs, and resolves when everything is confirmed and the goodbye is said. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Ends all that the agent itself does; nothing is confirmed, the lease will tell. */
  async end(): Promise<void> {
    this.#life.abort();
    this.#pulse.stop();
    await this.#parts.intake.close();
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    this.#parts.log.info({ running: this.#attempts.used }, "draining");
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    this.#attempts.drain();
    if (this.#isRegistered) this.#heartbeat.beatNow();
    if (!this.#attempts.isIdle) await idle;
    if (this.#isRegistered) await this.#goodbye();
  }

  /** A courtesy with few tries: the lease would find out too. */
  async #goodbye(): Promise<void> {
    const message = { type: "worker.goodbye" as const, payload: { worker_id: this.#parts.workerId } };
    for (let tries = 0; tries < goodbyeTriesMax; tries += 1) {
      const outcome = await this.#coordinator.tryOnce("events", message, goodbyeTimeoutMs, this.#life.signal);
      if (outcome.kind === "reply") return;
    }
    this.#parts.log.warn("nobody heard the goodbye");
  }

  #makeAttempts(): Attempts {
    const { slots, runners, workerId, clock, log } = this.#parts;
    const coordinator = this.#coordinator;
    const life = this.#life.signal;
    const checkFence = () => this.#checkFence();
    const outbox = new Outbox({ workerId, coordinator, checkFence, signal: life });
    return new Attempts({
      ...{ slots, runners, workerId, clock, log, coordinator, life, outbox },
      busy: () => this.#becameBusy(),
      idle: () => this.#onIdle(),
    });
  }

  #makeHeartbeat(): Heartbeat {
    const parts = {
      ...{ coordinator: this.#coordinator, fence: this.#fence, clock: this.#parts.clock, log: this.#parts.log },
      signal: this.#life.signal,
      state: () => this.#heartbeatState(),
      fenced: this.#attempts.revoke.bind(this.#attempts),
      registerAgain: () => void this.#registration.register(),
    };
    return new Heartbeat(parts, heartbeatSecondsDefault * 1_000);
  }

  #makeRegistration(): Registration {
    const { clock, log, random } = this.#parts;
    return new Registration({
      ...{ coordinator: this.#coordinator, clock, log, random, signal: this.#life.signal },
      payload: () => this.#registrationPayload(),
      registered: (reply, sentAt) => this.#registered(reply, sentAt),
    });
  }

  #makeCommands(): Commands {
    return new Commands({
      ...{ attempts: this.#attempts, registration: this.#registration },
      ...{ coordinator: this.#coordinator, log: this.#parts.log },
      checkFence: () => this.#checkFence(),
      drain: () => this.#drainCommanded(),
    });
  }

  #registrationPayload() {
    const { workerId, pool, runners, slots, tags, version } = this.#parts;
    return {
      ...{ worker_id: workerId, pool, capabilities: [...runners.keys()], slots, tags, version },
      draining: this.#isDraining,
      held: [...this.#attempts.held()],
    };
  }

  #heartbeatState() {
    if (this.#attempts.isIdle && !this.#isDraining) return null;
    this.#checkFence();
    const { workerId, slots } = this.#parts;
    const status = this.#isDraining ? ("DRAINING" as const) : ("HEALTHY" as const);
    return { worker_id: workerId, status, slots, used: this.#attempts.used, held: [...this.#attempts.held()] };
  }

  #registered({ lease_ms, heartbeat_ms, fenced }: Registered, sentAt: number): void {
    this.#fence.setLease(lease_ms);
    this.#fence.renew(sentAt);
    this.#heartbeat.setInterval(heartbeat_ms);
    this.#attempts.revoke(fenced);
    this.#coordinator.hurry();
    const { pool, slots, log } = this.#parts;
    if (!this.#isRegistered) log.info({ pool, slots }, "registered");
    this.#isRegistered = true;
  }

  /** The receipt of an assignment begins a lease only where none is running: it may have waited on the way. */
  #becameBusy(): void {
    this.#fence.renew(this.#parts.clock.monotonic());
    this.#isFenced = false;
    this.#heartbeat.wake();
    this.#pulse.wake();
  }

  /** Says whether another beat is wanted. */
  #beat(): boolean {
    this.#checkFence();
    this.#attempts.pulse(this.#parts.clock.monotonic());
    return this.#attempts.isRunning;
  }

  #checkFence(): void {
    const wasFenced = this.#isFenced;
    this.#isFenced = this.#attempts.isRunning && this.#fence.isOver();
    if (!this.#isFenced) return;
    this.#attempts.fence(this.#fence.msToLeaseEnd());
    if (wasFenced) return;
    this.#parts.log.warn("no heartbeat was acknowledged within the lease: everything that runs is stopped");
    void this.#registration.register();
  }
}

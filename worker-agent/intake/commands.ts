/** What each command and broadcast makes the agent do, and what it answers. */
import type { Decoded } from "../../schema/messages/envelope.ts";
import type { ToWorker, WorkerReply } from "../../schema/messages/to-worker.ts";
import type { Attempts } from "../execution/attempts.ts";
import { reconnectBackoffCapMs, rollCallJitterMsMax } from "../limits.ts";
import type { AgentLog } from "../log.ts";
import type { Coordinator } from "./coordinator.ts";
import type { CommandHandler } from "./intake.ts";
import type { Registration } from "./registration.ts";

export interface CommandParts {
  readonly attempts: Attempts;
  readonly registration: Registration;
  readonly coordinator: Coordinator;
  readonly log: AgentLog;
  /** Runs before anything is taken: a worker that slept through its lease must not renew it by waking up. */
  readonly checkFence: () => void;
  readonly drain: () => void;
}

type Answer = ReturnType<CommandHandler["command"]>;

export class Commands implements CommandHandler {
  readonly #parts: CommandParts;
  #unreadable = 0;

  constructor(parts: CommandParts) {
    this.#parts = parts;
  }

  command(decoded: Decoded<ToWorker>): Answer {
    this.#parts.checkFence();
    if (!decoded.ok) return { reply: this.#refuse(decoded.problem) };
    return this.#obey(decoded.message);
  }

  broadcast(decoded: Decoded<ToWorker>): void {
    if (!decoded.ok) this.#refuse(decoded.problem);
    else if (decoded.message.type === "roll_call") this.#answerRollCall();
    else if (decoded.message.type === "drain") this.#parts.drain();
    else this.#refuse(`${decoded.message.type} is not a broadcast`);
  }

  reconnected(): void {
    this.#parts.coordinator.hurry();
    void this.#parts.registration.registerSoon(reconnectBackoffCapMs);
  }

  #obey(message: ToWorker): Answer {
    const { attempts, drain } = this.#parts;
    if (message.type === "assign") {
      const { answers, begin } = attempts.assign(message.payload.assignments);
      return { reply: { type: "assign.answer", payload: { answers } }, after: begin };
    }
    if (message.type === "stop") attempts.stop(message.payload.items);
    else if (message.type === "drain") drain();
    else this.#answerRollCall();
    return { reply: { type: "ok", payload: {} } };
  }

  #answerRollCall(): void {
    void this.#parts.registration.registerSoon(rollCallJitterMsMax);
  }

  #refuse(problem: string): WorkerReply {
    this.#unreadable += 1;
    this.#parts.log.warn({ problem, unreadable: this.#unreadable }, "a message was not understood");
    return { type: "error", payload: { code: "invalid", message: problem, retry: false } };
  }
}

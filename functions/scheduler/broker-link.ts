/** The pool's one socket to the broker: made when needed, dropped when nothing is to be done, made anew when lost. */
import type { Pool as PoolName } from "../../schema/affinity.ts";
import type { WorkerId } from "../../schema/ids.ts";
import { brokerAnswerSecondsMax } from "../../schema/limits.ts";
import {
  anyEventsSubject,
  anyStatusSubject,
  broadcastSubject,
  coordinatorQueueGroup,
} from "../../schema/messages/subjects.ts";
import type { CoordinatorReply, ToCoordinator } from "../../schema/messages/to-coordinator.ts";
import type { ToWorker } from "../../schema/messages/to-worker.ts";
import type { Broker, BrokerAnswer, ConnectBroker } from "../broker/broker.ts";
import type { Log } from "../telemetry/log.ts";
import { within } from "../within.ts";

export interface BrokerLinkDeps {
  readonly pool: PoolName;
  readonly connect: ConnectBroker;
  readonly log: Log;
  readonly take: (sender: WorkerId, message: ToCoordinator) => Promise<CoordinatorReply>;
  readonly unreadable: () => void;
  /** Connected, for the first time or again after a time of hearing nothing. */
  readonly connected: () => void;
}

const reconnectWaitMs = 500;
const answerMsMax = brokerAnswerSecondsMax * 1_000;

export class BrokerLink {
  readonly #deps: BrokerLinkDeps;
  #broker: Promise<Broker> | null = null;
  #up: Broker | null = null;

  constructor(deps: BrokerLinkDeps) {
    this.#deps = deps;
  }

  isConnected(): boolean {
    return this.#up?.connected() === true;
  }

  /** Connects if need be; false: the broker cannot be reached now, or has not come back in time. */
  async ensure(): Promise<boolean> {
    try {
      const broker = await this.#connected();
      return await broker.connectedWithin(answerMsMax);
    } catch (error) {
      this.#deps.log.warn({ err: error }, "the broker cannot be reached");
      return false;
    }
  }

  /** Whether the broker answers at this moment: one that has stopped without a word is taken for connected for a while. */
  answers(): Promise<boolean> {
    return within(answerMsMax, this.#answers());
  }

  /** Asks every worker to say who it is and what it holds. */
  callRoll(): void {
    this.#up?.broadcast(broadcastSubject(this.#deps.pool), { type: "roll_call", payload: {} });
  }

  async request(subject: string, message: ToWorker, timeoutMs: number): Promise<BrokerAnswer> {
    try {
      return await (await this.#connected()).request(subject, message, timeoutMs);
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, reconnectWaitMs));
      return { type: "no_answer", problem: String(error) };
    }
  }

  async close(): Promise<void> {
    const broker = this.#up;
    this.#broker = null;
    this.#up = null;
    await broker?.close();
  }

  async #answers(): Promise<boolean> {
    return (await this.ensure()) && (await this.#up?.answers(answerMsMax)) === true;
  }

  /** A connection that is lost comes back by itself: a second one beside it would be heard twice. */
  #connected(): Promise<Broker> {
    if (this.#up?.closed() === true) this.#broker = null;
    this.#broker ??= this.#connect();
    return this.#broker;
  }

  async #connect(): Promise<Broker> {
    const { pool, connect, log, take, unreadable, connected } = this.#deps;
    const subscriptions = [anyEventsSubject(pool), anyStatusSubject(pool)].map((subject) => ({
      subject,
      queueGroup: coordinatorQueueGroup,
    }));
    try {
      this.#up = await connect(subscriptions, {
        message: take,
        unreadable: (problem) => {
          log.warn({ problem }, "a message that cannot be read");
          unreadable();
        },
        // Who listens may have changed while we did not hear: a roll call finds out.
        connected: () => {
          connected();
          this.callRoll();
        },
        disconnected: () => log.warn({}, "the broker is gone; connecting again"),
      });
      this.callRoll();
      return this.#up;
    } catch (error) {
      this.#broker = null;
      throw error;
    }
  }
}

/** The whole system on this machine: starts its parts, keeps them running, says where they are, ends them in order. */
import { EventEmitter } from "node:events";
import { rmSync } from "node:fs";
import { createIdSource, type IdSource, secureRandom } from "../../schema/ids.ts";
import type { AgentSpec } from "./agent.ts";
import { bootstrapDatabase } from "./bootstrap.ts";
import type { ProcessExit } from "./child.ts";
import { writeCommandsFile } from "./commands.ts";
import type { DevFile } from "./dev-file.ts";
import { describeStack, type FixedParts } from "./dev-file-content.ts";
import { type Agent, createFleet, type Fleet } from "./fleet.ts";
import { writeJsonFile } from "./json-file.ts";
import { Part, type PartObserver } from "./part.ts";
import { openProcessLedger } from "./process-ledger.ts";
import { removeFolder, type StackFolder, takeFolder } from "./stack-folder.ts";
import { type StackOptions, stackDefaults } from "./stack-options.ts";
import * as launches from "./stack-parts.ts";

export type FixedPartName = keyof FixedParts;

export type StackEvents = {
  "part-ready": [name: string];
  "part-exit": [name: string, exit: ProcessExit];
  "part-failed": [name: string, error: unknown];
  "agent-exit": [workerId: string, exit: ProcessExit];
};

/** Starts all parts at once where they do not need each other; resolves when every agent is registered. */
export async function startStack(chosen: Partial<StackOptions> = {}): Promise<Stack> {
  const options = { ...stackDefaults, ...chosen };
  const ids = createIdSource(Date.now, secureRandom);
  const ports = await launches.choosePorts(options.port);
  const taken = await takeFolder(options.dataFolder, ids);
  const stack = new Stack(options, taken, ports, ids);
  try {
    await stack.startAll();
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return stack;
}

export class Stack implements AsyncDisposable {
  readonly events = new EventEmitter<StackEvents>();
  readonly #around: launches.StackSurroundings;
  readonly #temporary: boolean;
  readonly #ids: IdSource;
  readonly #fixed: FixedParts;
  readonly #fleet: Fleet;
  readonly #complete = Promise.withResolvers<void>();
  #isComplete = false;
  #stopping: Promise<void> | null = null;

  constructor(options: StackOptions, taken: StackFolder, ports: launches.StackPorts, ids: IdSource) {
    const { folder, credentials, temporary } = taken;
    const ledger = openProcessLedger(folder.processFile);
    const onPidChange = () => this.#writeDevFile();
    const complete = this.#complete.promise;
    this.#around = { options, folder, credentials, ports, ledger, complete, onPidChange };
    this.#temporary = temporary;
    this.#ids = ids;
    this.#fixed = createFixedParts(this.#around, this.#observer());
    this.#fleet = createFleet(this.#around, ids, this.#observer());
  }

  /** The contents of `dev.json` as of now. */
  get dev(): DevFile {
    return describeStack(this.#around, this.#fixed, this.#fleet);
  }

  get dataFolder(): string {
    return this.#around.folder.root;
  }

  async startAll(): Promise<void> {
    const { folder, options } = this.#around;
    writeCommandsFile(folder.commandsFile);
    const { nats, gateway, coordinator } = this.#fixed;
    await Promise.all([this.#startDatabase(), nats.start(), gateway.start(), coordinator.start()]);
    this.#complete.resolve();
    await Promise.all(Array.from({ length: options.agents }, () => this.#fleet.add({})));
    this.#isComplete = true;
    this.#writeDevFile();
  }

  /** `part`: a part's name, or a worker's id. Whether it is started again is the option `restart`. */
  kill(part: FixedPartName | string, signal: NodeJS.Signals = "SIGKILL"): void {
    this.#find(part).kill(signal);
  }

  /** Starts a part that was killed; an agent comes back as a new worker. Resolves when it is ready. */
  start(part: FixedPartName | string): Promise<void> {
    return this.#find(part).start();
  }

  /** Resolves when the agent is registered. */
  addAgent(spec: Partial<AgentSpec> = {}): Promise<Agent> {
    return this.#fleet.add(spec);
  }

  /** Agents first, so that they can hand back what they run; the database last. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopInOrder();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #startDatabase(): Promise<void> {
    await this.#fixed.postgres?.start();
    await bootstrapDatabase(launches.databaseUrlOf(this.#around), this.#around.credentials, this.#ids);
  }

  async #stopInOrder(): Promise<void> {
    const { folder, ledger } = this.#around;
    const { coordinator, gateway, nats, postgres } = this.#fixed;
    await this.#fleet.stop();
    for (const part of [coordinator, gateway, nats, postgres]) await part?.stop();
    rmSync(folder.devFile, { force: true });
    ledger.close();
    if (this.#temporary) await removeFolder(folder.root);
  }

  #find(name: string): Part {
    const fixed = Object.entries(this.#fixed).find(([part]) => part === name)?.[1];
    const part = fixed ?? this.#fleet.find(name)?.part;
    if (part === undefined) throw new Error(`this stack has no part and no worker ${name}`);
    return part;
  }

  #observer(): PartObserver {
    return {
      ready: ({ name }) => {
        this.#writeDevFile();
        this.events.emit("part-ready", name);
      },
      exited: (part, exit) => {
        this.#writeDevFile();
        this.events.emit("part-exit", part.name, exit);
        const workerId = this.#fleet
          .agents()
          .find((agent) => agent.part === part)
          ?.workerId();
        if (workerId) this.events.emit("agent-exit", workerId, exit);
      },
      failed: ({ name }, error) => this.events.emit("part-failed", name, error),
    };
  }

  /** Not before everything runs: whoever finds the file may use all that it names. */
  #writeDevFile(): void {
    if (this.#isComplete && this.#stopping === null) writeJsonFile(this.#around.folder.devFile, this.dev);
  }
}

function createFixedParts(around: launches.StackSurroundings, observer: PartObserver): FixedParts {
  const { restart, databaseUrl } = around.options;
  return {
    postgres:
      databaseUrl === null
        ? new Part({ name: "postgres", launch: launches.postgresOf(around), restart, observer })
        : null,
    nats: new Part({ name: "nats", launch: async (signal) => launches.natsOf(around)(signal), restart, observer }),
    gateway: new Part({ name: "gateway", launch: launches.gatewayOf(around), restart, observer }),
    coordinator: new Part({
      name: "coordinator",
      launch: async (signal) => (await launches.coordinatorOf(around))(signal),
      restart,
      observer,
    }),
  };
}

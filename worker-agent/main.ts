/** Starts the worker agent: environment to configuration to agent, and what signals mean. */
import { createUser } from "@nats-io/nkeys";
import manifest from "../package.json" with { type: "json" };
import { createIdSource, secureRandom, type WorkerId } from "../schema/ids.ts";
import { Agent } from "./agent.ts";
import type { Clock } from "./clock.ts";
import { type AgentConfig, ConfigError, readConfig } from "./config.ts";
import { Departure } from "./departure.ts";
import { buildCatalogue } from "./execution/catalogue.ts";
import { ProcessGroups } from "./execution/process-groups.ts";
import { ThreadPool } from "./execution/thread-pool.ts";
import { Enrolment, EnrolmentRefused } from "./intake/enrolment.ts";
import { NatsIntake } from "./intake/nats.ts";
import { WakeCall } from "./intake/wake.ts";
import { warmThreadsAtStart } from "./limits.ts";
import { type AgentLog, createLog } from "./log.ts";

/** sysexits.h */
const exitConfig = 78;
const exitSoftware = 70;
const exitRemoved = 77;
const exitNow = 1;

const clock: Clock = { wall: () => Date.now(), monotonic: () => performance.now() };
const ids = createIdSource(clock.wall, secureRandom);
const groups = new ProcessGroups();

const config = configOrExit();
const workerId = config.workerId ?? ids.worker();
const log = createLog(config.logLevel, workerId);
process.on("exit", () => groups.killAll());
const threads = new ThreadPool(config.workloadEnv);
const departure = new Departure({ threads, groups, log });
let agent: Agent | null = null;
process.on("uncaughtException", (error) => endBadly(error));
agent = await compose(config, workerId, log);
listenToSignals(agent);
await agent.start(drainOf(agent), endRemoved).catch(exitWhenRefused);

function configOrExit(): AgentConfig {
  try {
    return readConfig(process.env);
  } catch (error) {
    return exitWithConfigError(error);
  }
}

function exitWithConfigError(error: unknown): never {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`The worker cannot start with this configuration:\n${error.message}\n`);
  process.exit(exitConfig);
}

/** Another start with the same settings would be refused as well. */
function exitWhenRefused(error: unknown): void {
  if (!(error instanceof EnrolmentRefused)) throw error;
  exitWithConfigError(
    new ConfigError(`The control plane refuses this worker: ${error.message}. See NIYANTA_AGENT_TOKEN, NIYANTA_POOL.`),
  );
}

async function compose(settings: AgentConfig, id: WorkerId, agentLog: AgentLog): Promise<Agent> {
  const { apiUrl, agentToken, pool, slots, tags } = settings;
  const { runners, threadModules } = await buildCatalogue({ ...settings, threads, groups }).catch((error: unknown) =>
    exitWithConfigError(new ConfigError(error instanceof Error ? error.message : String(error), { cause: error })),
  );
  if (runners.size === 0) exitWithConfigError(new ConfigError("there is no workload type that this worker can run"));
  for (let made = 0; made < warmThreadsAtStart && threadModules.length > 0; made += 1) threads.warm(threadModules);
  const world = { pool, workerId: id, clock, random: secureRandom, log: agentLog };
  const source = new Enrolment({ ...world, apiUrl, agentToken, key: createUser() });
  const intake = new NatsIntake({ ...world, url: settings.natsUrl, source, ids });
  const wake = new WakeCall({ apiUrl, agentToken, pool, clock, log: agentLog });
  const parts = { workerId: id, pool, slots, tags, runners, intake, wake, clock, log: agentLog };
  const leaseRenewed = (ms: number) => groups.allow(ms);
  return new Agent({ ...parts, leaseRenewed, version: manifest.version, random: secureRandom });
}

/** The first signal drains, the second ends at once. */
function listenToSignals(running: Agent): void {
  const drain = drainOf(running);
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    signals += 1;
    log.info({ signal, signals }, "a signal came");
    if (signals > 1) endNow(exitNow);
    else drain();
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
}

function drainOf(running: Agent): () => void {
  return () => void leave(running).catch(endBadly);
}

async function leave(running: Agent): Promise<void> {
  setTimeout(() => {
    log.error("the drain took too long");
    endNow(exitNow);
  }, config.drainMs).unref();
  await running.drain();
  log.info("drained");
  await running.end();
  await departure.leave(0);
}

/** What runs here runs elsewhere by now: it is ended at once, and nothing of it is reported. */
function endRemoved(): void {
  log.error("the operator has removed this worker: everything that runs is stopped");
  endNow(exitRemoved);
}

function endBadly(error: unknown): void {
  log.fatal({ err: error }, "an error that nobody handles");
  endNow(exitSoftware);
}

/** Nothing is reported from here on: what is ended by force has not failed, and the lease will tell. */
function endNow(code: number): void {
  agent?.end().catch((error: unknown) => log.warn({ err: error }, "the connection to the broker did not close"));
  void departure.leave(code);
}

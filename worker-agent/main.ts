/** Starts the worker agent: environment to configuration to agent, and what signals mean. */
import manifest from "../package.json" with { type: "json" };
import { createIdSource, secureRandom, type WorkerId } from "../schema/ids.ts";
import { Agent } from "./agent.ts";
import type { Clock } from "./clock.ts";
import { type AgentConfig, ConfigError, readConfig } from "./config.ts";
import { buildCatalogue } from "./execution/catalogue.ts";
import { ProcessGroups } from "./execution/process-groups.ts";
import { ThreadPool } from "./execution/thread-pool.ts";
import { NatsIntake } from "./intake/nats.ts";
import { WakeCall } from "./intake/wake.ts";
import { warmThreadsAtStart } from "./limits.ts";
import { type AgentLog, createLog } from "./log.ts";

/** sysexits.h */
const exitConfig = 78;
const exitSoftware = 70;
const exitNow = 1;

const clock: Clock = { wall: () => Date.now(), monotonic: () => performance.now() };
const ids = createIdSource(clock.wall, secureRandom);
const groups = new ProcessGroups();

const config = configOrExit();
const workerId = config.workerId ?? ids.worker();
const log = createLog(config.logLevel, workerId);
process.on("exit", () => groups.killAll());
process.on("uncaughtException", (error) => endBadly(log, error));
const threads = new ThreadPool(config.workloadEnv);
const agent = await compose(config, workerId, log);
listenToSignals(config, agent, log);
await agent.start(() => void leave(config, agent, log));

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

async function compose(settings: AgentConfig, id: WorkerId, agentLog: AgentLog): Promise<Agent> {
  const { apiUrl, agentToken, pool, slots, tags } = settings;
  const { runners, threadModules } = await buildCatalogue({ ...settings, threads, groups }).catch((error: unknown) =>
    exitWithConfigError(new ConfigError(error instanceof Error ? error.message : String(error), { cause: error })),
  );
  if (runners.size === 0) exitWithConfigError(new ConfigError("there is no workload type that this worker can run"));
  for (let made = 0; made < warmThreadsAtStart && threadModules.length > 0; made += 1) threads.warm(threadModules);
  const { natsUrl: url, natsCredentials: credentials } = settings;
  const intake = new NatsIntake({ url, credentials, pool, workerId: id, clock, ids, random: secureRandom });
  const wake = new WakeCall({ apiUrl, agentToken, pool, clock, log: agentLog });
  const parts = { workerId: id, pool, slots, tags, runners, intake, wake, clock, log: agentLog };
  const leaseRenewed = (ms: number) => groups.allow(ms);
  return new Agent({ ...parts, leaseRenewed, version: manifest.version, random: secureRandom });
}

/** The first signal drains, the second ends at once. */
function listenToSignals(settings: AgentConfig, running: Agent, agentLog: AgentLog): void {
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    signals += 1;
    agentLog.info({ signal, signals }, "a signal came");
    if (signals > 1) exit(exitNow);
    else void leave(settings, running, agentLog);
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
}

async function leave(settings: AgentConfig, running: Agent, agentLog: AgentLog): Promise<void> {
  setTimeout(() => {
    agentLog.error("the drain took too long");
    exit(exitNow);
  }, settings.drainMs).unref();
  await running.drain();
  agentLog.info("drained");
  await running.end();
  exit(0);
}

function endBadly(agentLog: AgentLog, error: unknown): void {
  agentLog.fatal({ err: error }, "an error that nobody handles");
  exit(exitSoftware);
}

/** Threads end with the process; process groups are ended by its exit handler. */
function exit(code: number): never {
  log.flush();
  process.exit(code);
}

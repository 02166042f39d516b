/** The agents of a stack: each is a part of its own, under the worker id of its present life. */
import { join } from "node:path";
import type { IdSource, WorkerId } from "../../schema/ids.ts";
import { type AgentSpec, agentLaunch } from "./agent.ts";
import { poolTokenOf } from "./credentials.ts";
import { Part, type PartObserver } from "./part.ts";
import { apiUrl, type StackSurroundings } from "./stack-parts.ts";

export interface Agent {
  readonly part: Part;
  /** Of the present life, or the last one; null before the first. */
  workerId(): WorkerId | null;
}

export interface Fleet {
  agents(): readonly Agent[];
  /** Resolves when the agent is registered. */
  add(spec: Partial<AgentSpec>): Promise<Agent>;
  find(workerId: string): Agent | undefined;
  stop(): Promise<void>;
}

export function createFleet(around: StackSurroundings, ids: IdSource, observer: PartObserver): Fleet {
  const agents: Agent[] = [];
  return {
    agents: () => agents,
    async add(spec) {
      const agent = createAgent(`agent-${agents.length + 1}`, completeSpec(spec, around), around, ids, observer);
      agents.push(agent);
      await agent.part.start();
      return agent;
    },
    find: (workerId) => agents.find((agent) => agent.workerId() === workerId),
    async stop() {
      await Promise.all(agents.map((agent) => agent.part.stop()));
    },
  };
}

const completeSpec = (spec: Partial<AgentSpec>, around: StackSurroundings): AgentSpec => ({
  pool: "default",
  slots: around.options.slots,
  tags: {},
  env: {},
  ...spec,
});

function createAgent(
  name: string,
  spec: AgentSpec,
  around: StackSurroundings,
  ids: IdSource,
  observer: PartObserver,
): Agent {
  const { options, folder, ports, ledger, credentials } = around;
  let current: WorkerId | null = null;
  const launch = agentLaunch({
    spec,
    program: options.agentProgram,
    apiUrl: apiUrl(ports),
    token: (pool) => poolTokenOf(credentials, pool),
    commandsFile: folder.commandsFile,
    drainSeconds: options.drainSeconds,
    logLevel: options.logLevel,
    logFile: join(folder.logs, `${name}.log`),
    ledger,
    newWorkerId: () => ids.worker(),
    onWorkerId: (workerId) => {
      current = workerId;
    },
  });
  return { part: new Part({ name, launch, restart: options.restart, observer }), workerId: () => current };
}

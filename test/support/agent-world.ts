/** A broker, a scripted coordinator and a real agent for one test file; a test takes what it needs. */
import { afterEach } from "vitest";
import { type AgentProcess, startAgent } from "./agent-process.ts";
import { startNats, type TestNats } from "./nats.ts";
import { ScriptedCoordinator } from "./scripted-coordinator.ts";

export interface AgentWorld {
  readonly nats: TestNats;
  readonly coordinator: ScriptedCoordinator;
  agent(env?: Record<string, string>): Promise<AgentProcess>;
  env(): Record<string, string>;
  /** Ended with the test. */
  adopt(agent: AgentProcess): AgentProcess;
}

const endings: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

export async function createWorld(
  prepare: (coordinator: ScriptedCoordinator) => void = () => undefined,
): Promise<AgentWorld> {
  const nats = await startNats();
  endings.push(() => nats.stop());
  const coordinator = new ScriptedCoordinator(nats);
  prepare(coordinator);
  await coordinator.listenForWakes();
  await coordinator.appear();
  endings.push(() => coordinator.stop());
  const env = () => ({ NIYANTA_API_URL: coordinator.apiUrl });
  const adopt = (agent: AgentProcess) => {
    endings.push(() => agent.stop());
    return agent;
  };
  return { nats, coordinator, env, adopt, agent: async (more = {}) => adopt(await startAgent({ ...env(), ...more })) };
}

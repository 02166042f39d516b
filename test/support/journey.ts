/** A journey's world: one whole stack for a file; agents, gates and a checked customer for each test. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { AgentSpec } from "../../infra/local/agent.ts";
import type { ProcessExit } from "../../infra/local/child.ts";
import type { Agent } from "../../infra/local/fleet.ts";
import { builtInTypes } from "../../infra/local/seed-customer.ts";
import type { Stack } from "../../infra/local/stack.ts";
import type { StackOptions } from "../../infra/local/stack-options.ts";
import type { Affinity } from "../../schema/affinity.ts";
import type { CustomerId, WorkerId } from "../../schema/ids.ts";
import { Client } from "./client.ts";
import { readHistories } from "./history.ts";
import { restViolations } from "./invariants.ts";
import { newCustomer, startTestStack } from "./stack.ts";

export const journeyModule = fileURLToPath(new URL("./journey-workloads.ts", import.meta.url));
const journeyTypes = ["wait", "add", "keep", "flaky", "hopeless", "block", "bulk", "poison"].map(
  (name) => `journey.${name}`,
);

export interface Policy {
  readonly maxRetries: number;
  readonly retryBaseMs: number;
  readonly retryCapMs: number;
}
const quickRetries: Policy = { maxRetries: 3, retryBaseMs: 20, retryCapMs: 100 };

export interface Journey {
  readonly stack: Stack;
  readonly client: Client;
  readonly customerId: CustomerId;
  readonly key: string;
  /** Work that names it goes to the agents of this test only. */
  readonly affinity: Affinity;
  /** An agent with the journeys' types, for this test. */
  agent(spec?: Partial<AgentSpec>): Promise<Agent>;
  /** A path that workloads wait at until it is opened. */
  gate(): string;
}

/** Starts the stack before the first test of the file; every test's customer is checked when the test is over. */
export function journeys(options: Partial<StackOptions>): { begin(policy?: Partial<Policy>): Promise<Journey> } {
  let stack: Stack | null = null;
  const endings: (() => Promise<unknown>)[] = [];
  const folder = mkdtempSync(join(tmpdir(), "niyanta-gates-"));
  beforeAll(async () => {
    stack = await startTestStack({ agents: 0, ...options });
  });
  afterEach(async () => {
    for (const end of endings.splice(0)) await end();
  });
  afterAll(async () => {
    await stack?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    async begin(policy = {}) {
      if (stack === null) throw new Error("the stack did not start");
      return beginOn(stack, { ...quickRetries, ...policy }, folder, endings);
    },
  };
}

let gates = 0;

async function beginOn(
  stack: Stack,
  policy: Policy,
  folder: string,
  endings: (() => Promise<unknown>)[],
): Promise<Journey> {
  const { customerId, key } = await newCustomer(stack, { workloadTypes: [...builtInTypes, ...journeyTypes] });
  await setPolicy(stack.dev.database_url, customerId, policy);
  return {
    stack,
    client: new Client(stack.dev.api_url, key),
    customerId,
    key,
    affinity: { hard_affinity: { worker_tags: { journey: customerId } } },
    async agent(spec = {}) {
      const tags = { journey: customerId, ...spec.tags };
      const agent = await stack.addAgent({ ...spec, tags, env: { NIYANTA_WORKLOADS: journeyModule, ...spec.env } });
      endings.push(() => agent.part.stop());
      return agent;
    },
    gate() {
      gates += 1;
      return join(folder, `gate-${gates}`);
    },
  };
}

async function setPolicy(databaseUrl: string, customerId: CustomerId, policy: Policy): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(
      `update workload_configs set max_retries = $2, retry_base_ms = $3, retry_cap_ms = $4 where customer_id = $1`,
      [customerId, policy.maxRetries, policy.retryBaseMs, policy.retryCapMs],
    );
  } finally {
    await client.end();
  }
}

export const openGate = (gate: string): void => writeFileSync(gate, "");

/** The worker id of an agent that has started. */
export function workerOf(agent: Agent): WorkerId {
  const workerId = agent.workerId();
  if (workerId === null) throw new Error("the agent has no worker id yet");
  return workerId;
}

/** Resolves with how that worker's process ends. */
export const agentExit = (stack: Stack, workerId: WorkerId): Promise<ProcessExit> =>
  new Promise((resolve) => {
    const hear = (ended: string, exit: ProcessExit) => {
      if (ended !== workerId) return;
      stack.events.off("agent-exit", hear);
      resolve(exit);
    };
    stack.events.on("agent-exit", hear);
  });

/** Resolves when the part has ended. */
export const partExit = (stack: Stack, part: string): Promise<void> =>
  new Promise((resolve) => {
    const hear = (ended: string) => {
      if (ended !== part) return;
      stack.events.off("part-exit", hear);
      resolve();
    };
    stack.events.on("part-exit", hear);
  });

/** Everything of this customer is over, and every promise was kept on the way. */
export async function expectAllKept({ stack, customerId }: Journey, accepted: readonly string[]): Promise<void> {
  const histories = await readHistories(stack.dev.database_url, customerId);
  expect(restViolations(histories, accepted)).toEqual([]);
}

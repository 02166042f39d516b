/** The whole system for a test: real parts, own folder and ports, a customer for each test. */

import { benchmarkOverrides, builtInTypes, type NewCustomer, seedCustomer } from "../../infra/local/seed-customer.ts";
import { type Stack, startStack } from "../../infra/local/stack.ts";
import type { StackOptions } from "../../infra/local/stack-options.ts";
import { newKey } from "../../schema/api-key.ts";
import { createIdSource, secureRandom } from "../../schema/ids.ts";
import { customerScopes } from "../../schema/scopes.ts";

const ids = createIdSource(Date.now, secureRandom);

/** Short leases, no restarts: a test kills and starts what it wants. */
const testDefaults: Partial<StackOptions> = {
  agents: 1,
  leaseSeconds: 3,
  heartbeatSeconds: 1,
  drainSeconds: 5,
  restart: false,
};

export const startTestStack = (options: Partial<StackOptions> = {}): Promise<Stack> =>
  startStack({ ...testDefaults, ...options });

/** A customer of the test's own, with the built-in types and limits that are out of the way unless it says otherwise. */
export async function newCustomer(stack: Stack, chosen: Partial<NewCustomer> = {}): Promise<NewCustomer> {
  const customerId = ids.customer();
  const customer: NewCustomer = {
    customerId,
    key: await newKey(customerId),
    name: "test",
    tier: "enterprise",
    overrides: benchmarkOverrides,
    scopes: customerScopes,
    workloadTypes: builtInTypes,
    ...chosen,
  };
  await seedCustomer(stack.dev.database_url, customer, ids);
  return customer;
}

/** Resolves with the exit of the next worker that ends. */
export const nextAgentExit = (stack: Stack): Promise<{ workerId: string }> =>
  new Promise((resolve) => stack.events.once("agent-exit", (workerId) => resolve({ workerId })));

/** Resolves when the named part is ready (again). */
export const partReady = (stack: Stack, part: string): Promise<void> =>
  new Promise((resolve) => {
    const hear = (name: string) => {
      if (name !== part) return;
      stack.events.off("part-ready", hear);
      resolve();
    };
    stack.events.on("part-ready", hear);
  });

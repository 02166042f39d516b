/** What `dev.json` says about the parts as they are now. */
import type { DevFile } from "./dev-file.ts";
import type { Fleet } from "./fleet.ts";
import { gatewayUrl } from "./gateway.ts";
import { natsUrl } from "./nats.ts";
import type { Part } from "./part.ts";
import { apiUrl, databaseUrlOf, type StackSurroundings } from "./stack-parts.ts";

export interface FixedParts {
  /** Null when the database is not ours. */
  postgres: Part | null;
  nats: Part;
  gateway: Part;
  coordinator: Part;
}

export function describeStack(around: StackSurroundings, fixed: FixedParts, fleet: Fleet): DevFile {
  const { ports, credentials } = around;
  return {
    api_url: apiUrl(ports),
    console_url: `${apiUrl(ports)}/`,
    admin_key: credentials.adminKey,
    customer_id: credentials.customerId,
    customer_key: credentials.customerKey,
    metrics_token: credentials.metricsToken,
    nats_url: natsUrl(ports.natsWebSocket),
    database_url: databaseUrlOf(around),
    gateway_url: gatewayUrl(ports.gateway),
    processes: {
      supervisor: process.pid,
      coordinator: lastPid(fixed.coordinator),
      gateway: lastPid(fixed.gateway),
      nats: lastPid(fixed.nats),
      ...(fixed.postgres === null ? {} : { postgres: lastPid(fixed.postgres) }),
      agents: fleet.agents().flatMap(({ part, workerId }) => {
        const [pid, worker_id] = [part.pid, workerId()];
        return pid === null || worker_id === null ? [] : [{ pid, worker_id }];
      }),
    },
  };
}

/** Of a part that is down: the pid of its last life, until the next one. */
function lastPid(part: Part): number {
  if (part.lastPid === null) throw new Error(`${part.name} was never started`);
  return part.lastPid;
}

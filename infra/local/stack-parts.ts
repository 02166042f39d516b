/** Which parts a stack has, and how each is told where the others are. */
import { join } from "node:path";
import { sha256Hex } from "../../schema/api-key.ts";
import { apiDatabaseUrl } from "../../schema/migrate.ts";
import { coordinatorLaunch } from "./coordinator.ts";
import { type Credentials, poolTokenOf } from "./credentials.ts";
import type { DataFolder } from "./data-folder.ts";
import { gatewayLaunch, gatewayUrl } from "./gateway.ts";
import { natsLaunch, natsUrl } from "./nats.ts";
import { ensureNatsServer } from "./nats-program.ts";
import type { Launch } from "./part.ts";
import { findFreePort, findFreePorts, isPortFree } from "./ports.ts";
import { ownDatabaseUrl, postgresLaunch } from "./postgres.ts";
import type { ProcessLedger } from "./process-ledger.ts";
import type { StackOptions } from "./stack-options.ts";
import { wranglerLaunch } from "./wrangler-host.ts";

export interface StackPorts {
  api: number;
  postgres: number;
  gateway: number;
  nats: number;
  natsWebSocket: number;
}

export interface StackSurroundings {
  options: StackOptions;
  folder: DataFolder;
  credentials: Credentials;
  ports: StackPorts;
  ledger: ProcessLedger;
  complete: Promise<void>;
  onPidChange(): void;
}

export async function choosePorts(apiPort: number): Promise<StackPorts> {
  if (apiPort !== 0 && !(await isPortFree(apiPort))) {
    throw new Error(`port ${apiPort} is taken; choose another one with --port, or any with --port 0`);
  }
  const [postgres = 0, gateway = 0, nats = 0, natsWebSocket = 0] = await findFreePorts(4);
  const taken = new Set([postgres, gateway, nats, natsWebSocket]);
  return { api: apiPort || (await findFreePort(taken)), postgres, gateway, nats, natsWebSocket };
}

export const apiUrl = (ports: StackPorts): string => `http://127.0.0.1:${ports.api}`;

export const databaseUrlOf = ({ options, ports, credentials }: StackSurroundings): string =>
  options.databaseUrl ?? ownDatabaseUrl(ports.postgres, credentials.postgresPassword);

const logOf = (around: StackSurroundings, part: string) => join(around.folder.logs, `${part}.log`);

export function postgresOf(around: StackSurroundings): Launch {
  const { folder, ports, credentials, ledger } = around;
  const { postgresPassword: password } = credentials;
  const logFile = logOf(around, "postgres");
  return postgresLaunch({ dataFolder: folder.postgres, port: ports.postgres, password, logFile, ledger });
}

export function natsOf(around: StackSurroundings): Launch {
  const { folder, ports, ledger, options, credentials } = around;
  return natsLaunch({
    program: ensureNatsServer(options.say),
    configFile: folder.natsConfig,
    port: ports.nats,
    webSocketPort: ports.natsWebSocket,
    authority: credentials.natsAuthority,
    logFile: logOf(around, "nats"),
    ledger,
  });
}

export function gatewayOf(around: StackSurroundings): Launch {
  const { ports, ledger, options } = around;
  return gatewayLaunch({
    port: ports.gateway,
    databaseUrl: databaseUrlOf(around),
    prepare: options.prepareStatements,
    logFile: logOf(around, "gateway"),
    ledger,
  });
}

export async function coordinatorOf(around: StackSurroundings): Promise<Launch> {
  const { options, ports, folder } = around;
  const launch = options.host === "wrangler" ? wranglerLaunch : coordinatorLaunch;
  return launch({
    config: {
      project: options.project,
      apiPort: ports.api,
      durableObjects: folder.durableObjects,
      bindings: { ...(await bindingsOf(around)), ...options.bindings },
      watch: options.watch,
    },
    logFile: logOf(around, "coordinator"),
    ledger: around.ledger,
    complete: around.complete,
    onNote: options.say,
    onPidChange: around.onPidChange,
  });
}

/** Of every pool that the Worker will know. */
async function poolTokenHashes({ options, credentials }: StackSurroundings): Promise<string> {
  const pools = (options.bindings.NIYANTA_POOLS ?? "default").split(",").map((pool) => pool.trim());
  const hashOf = async (pool: string) => sha256Hex(await poolTokenOf(credentials, pool));
  return (await Promise.all(pools.map(async (pool) => `${pool}=${await hashOf(pool)}`))).join(",");
}

async function bindingsOf(around: StackSurroundings): Promise<Record<string, string>> {
  const { options, ports, credentials } = around;
  return {
    DATABASE_URL: apiDatabaseUrl(databaseUrlOf(around), credentials.apiDatabasePassword),
    NEON_FETCH_ENDPOINT: `${gatewayUrl(ports.gateway)}/sql`,
    NATS_URL: natsUrl(ports.natsWebSocket),
    ADMIN_KEY_HASH: await sha256Hex(credentials.adminKey),
    NATS_ACCOUNT: credentials.natsAuthority.account,
    NATS_ACCOUNT_SEED: credentials.natsAuthority.signingSeed,
    POOL_TOKEN_HASHES: await poolTokenHashes(around),
    METRICS_TOKEN: credentials.metricsToken,
    LEASE_SECONDS: String(options.leaseSeconds),
    HEARTBEAT_SECONDS: String(options.heartbeatSeconds),
    LOG_LEVEL: options.logLevel,
  };
}

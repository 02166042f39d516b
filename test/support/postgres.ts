/** A migrated Postgres behind a Neon gateway, as a store meets it: for tests and benchmarks that need no more. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gatewayLaunch, gatewayUrl } from "../../infra/local/gateway.ts";
import type { Running } from "../../infra/local/part.ts";
import { findFreePort } from "../../infra/local/ports.ts";
import { openProcessLedger } from "../../infra/local/process-ledger.ts";
import { apiDatabaseUrl, migrate, openLogin } from "../../schema/migrate.ts";
import { startTestDatabase } from "./database.ts";

export interface TestPostgres {
  /** As its owner: to look past what is under test. */
  ownerUrl: string;
  /** As the control plane's role: with this and the next a store is opened. */
  databaseUrl: string;
  /** Where the gateway answers `POST /sql`. */
  fetchEndpoint: string;
  clock: () => number;
  stop(): Promise<void>;
}

const startMsMax = 30_000;

export async function startTestPostgres(): Promise<TestPostgres> {
  const database = await startTestDatabase();
  try {
    await migrate(database.url);
    await openLogin(database.url, database.apiPassword);
    const gateway = await startGateway(database.url);
    const stop = async () => {
      await gateway.stop();
      await database.stop();
    };
    const databaseUrl = apiDatabaseUrl(database.url, database.apiPassword);
    return { ownerUrl: database.url, databaseUrl, fetchEndpoint: gateway.fetchEndpoint, clock: Date.now, stop };
  } catch (error) {
    await database.stop();
    throw error;
  }
}

async function startGateway(databaseUrl: string): Promise<{ fetchEndpoint: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "niyanta-gateway-"));
  const ledger = openProcessLedger(join(folder, "processes.json"));
  const port = await findFreePort();
  const launch = gatewayLaunch({ port, databaseUrl, prepare: true, logFile: join(folder, "gateway.log"), ledger });
  const running: Running = await launch(AbortSignal.timeout(startMsMax));
  return {
    fetchEndpoint: `${gatewayUrl(port)}/sql`,
    async stop() {
      await running.stop();
      ledger.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A Postgres of a test file's own, empty, in a temporary folder. */
import { join } from "node:path";
import { Part } from "../../infra/local/part.ts";
import { findFreePort } from "../../infra/local/ports.ts";
import { ownDatabaseUrl, postgresLaunch } from "../../infra/local/postgres.ts";
import { openProcessLedger } from "../../infra/local/process-ledger.ts";
import { removeFolder, takeFolder } from "../../infra/local/stack-folder.ts";
import { createIdSource, secureRandom } from "../../schema/ids.ts";

export interface TestDatabase {
  /** As its owner, who sees past row-level security. */
  url: string;
  /** Of the role that the control plane logs in as, once `openLogin` has set it. */
  apiPassword: string;
  /** Of the server: to be killed and started again on the same port and data. */
  server: Part;
  stop(): Promise<void>;
}

export async function startTestDatabase(): Promise<TestDatabase> {
  const { folder, credentials } = await takeFolder(null, createIdSource(Date.now, secureRandom));
  const ledger = openProcessLedger(folder.processFile);
  const { postgresPassword: password } = credentials;
  const port = await findFreePort();
  const logFile = join(folder.logs, "postgres.log");
  const server = new Part({
    name: "postgres",
    launch: postgresLaunch({ dataFolder: folder.postgres, port, password, logFile, ledger }),
    restart: false,
    observer: { ready: () => undefined, exited: () => undefined, failed: () => undefined },
  });
  await server.start();
  return {
    url: ownDatabaseUrl(port, password),
    apiPassword: credentials.apiDatabasePassword,
    server,
    async stop() {
      await server.stop();
      ledger.close();
      await removeFolder(folder.root);
    },
  };
}

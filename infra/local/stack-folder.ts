/** Takes a data folder for one stack: nobody else runs on it, and nothing of an earlier run is left. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IdSource } from "../../schema/ids.ts";
import { type Credentials, makeCredentials, readCredentials } from "./credentials.ts";
import { type DataFolder, describeDataFolder, openDataFolder } from "./data-folder.ts";
import { postgresDataFolder } from "./postgres-files.ts";
import { postgresUser } from "./postgres-user.ts";
import { endLeftovers, runningSupervisor } from "./process-ledger.ts";

const passableMode = 0o711;

/** Somebody else's stack runs on this folder; `dev.json` in it says where. */
export class AlreadyRunning extends Error {
  readonly folder: DataFolder;
  constructor(folder: DataFolder, pid: number) {
    super(`a stack runs already on ${folder.root} (pid ${pid})`);
    this.folder = folder;
  }
}

export interface StackFolder {
  folder: DataFolder;
  credentials: Credentials;
  temporary: boolean;
}

/** `root` null: a temporary folder. */
export async function takeFolder(root: string | null, ids: IdSource): Promise<StackFolder> {
  const folder = openDataFolder(root ?? makeTemporaryFolder());
  const supervisor = runningSupervisor(folder.processFile);
  if (supervisor !== null) throw new AlreadyRunning(folder, supervisor.pid);
  await endLeftovers(folder.processFile);
  const known = await readCredentials(folder.credentialsFile);
  // Data without the secrets that belong to it cannot be used by anybody.
  if (known === null) emptyData(folder);
  const credentials = known ?? (await makeCredentials(folder.credentialsFile, ids));
  return { folder, credentials, temporary: root === null };
}

function makeTemporaryFolder(): string {
  const root = mkdtempSync(join(tmpdir(), "niyanta-"));
  chmodSync(root, passableMode); // the Postgres user passes through; the secrets are files of the owner only
  return root;
}

function emptyData(folder: DataFolder): void {
  rmSync(folder.durableObjects, { recursive: true, force: true });
  rmSync(postgresDataFolder(folder.postgres, postgresUser()), { recursive: true, force: true });
}

/** Ends leftovers first: a server must not write into a folder that is being emptied. */
export async function removeFolder(root: string): Promise<void> {
  const folder = describeDataFolder(root);
  const supervisor = runningSupervisor(folder.processFile);
  if (supervisor !== null && supervisor.pid !== process.pid) throw new AlreadyRunning(folder, supervisor.pid);
  await endLeftovers(folder.processFile);
  emptyData(folder);
  rmSync(root, { recursive: true, force: true });
}

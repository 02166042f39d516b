/** The demo's folder, named after the process it belongs to: what a killed demo left is known by its name, and removed. */
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTimeOf } from "../process-identity.ts";
import { removeFolder } from "../stack-folder.ts";

const passableMode = 0o711; // the Postgres user passes through; the secrets are files of the owner only
const pattern = /^niyanta-demo-(\d+)-[0-9a-f]{12}$/;

/** Differs between two processes that were given the same pid. */
export function demoFolderName(pid: number): string {
  const started = startTimeOf(pid) ?? "";
  return `niyanta-demo-${pid}-${createHash("sha256").update(started).digest("hex").slice(0, 12)}`;
}

/** True where the process that the name belongs to is gone. */
export function isLeftover(name: string): boolean {
  const pid = pattern.exec(name)?.[1];
  return pid !== undefined && name !== demoFolderName(Number(pid));
}

/** Refuses a folder that exists: it would be somebody else's. */
export function makeDemoFolder(name: string): string {
  const folder = join(tmpdir(), name);
  mkdirSync(folder);
  chmodSync(folder, passableMode);
  return folder;
}

export async function removeLeftovers(root = tmpdir()): Promise<void> {
  const left = readdirSync(root).filter(isLeftover);
  for (const folder of left.map((name) => join(root, name)).filter(isOwnFolder)) await removeFolder(folder);
}

function isOwnFolder(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && (process.getuid === undefined || found.uid === process.getuid());
}

/** Finds nats-server, and installs it with the system's package manager where there is none. */
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const usualFolders = ["/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"];

interface Installer {
  program: string;
  args: readonly string[];
  /** Without this program on PATH there is nothing to try. */
  needs: string;
}

const missing = `nats-server is missing, and there is no package manager here that may install it.
Install it, then try again:
  Debian, Ubuntu   sudo apt-get install nats-server
  macOS            brew install nats-server
  elsewhere        https://github.com/nats-io/nats-server/releases (2.9 or newer), anywhere on PATH`;

const pathFolders = (path: string): string[] => path.split(delimiter).filter(Boolean);

export const findNatsServer = (path = process.env.PATH ?? ""): string | null =>
  findProgram("nats-server", [...pathFolders(path), ...usualFolders]);

const findProgram = (name: string, folders: readonly string[]): string | null =>
  folders.map((folder) => join(folder, name)).find(isProgram) ?? null;

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not ours to run
  }
}

/** The program's path; `say` hears what is being installed. Throws with what to do when it cannot. */
export function ensureNatsServer(say: (line: string) => void): string {
  const found = findNatsServer();
  if (found !== null) return found;
  const folders = pathFolders(process.env.PATH ?? "");
  for (const installer of installers().filter(({ needs }) => findProgram(needs, folders) !== null)) {
    say(`nats-server is missing: ${installer.program} ${installer.args.join(" ")}`);
    if (tryInstall(installer)) break;
  }
  const installed = findNatsServer();
  if (installed === null) throw new Error(missing);
  return installed;
}

function installers(): Installer[] {
  const apt = ["install", "-y", "nats-server"];
  if (process.platform === "darwin") return [{ program: "brew", args: ["install", "nats-server"], needs: "brew" }];
  if (process.getuid?.() === 0) {
    return [
      { program: "apt-get", args: apt, needs: "apt-get" },
      { program: "sh", args: ["-c", "apt-get update && apt-get install -y nats-server"], needs: "apt-get" },
    ];
  }
  return [{ program: "sudo", args: ["-n", "apt-get", ...apt], needs: "apt-get" }];
}

function tryInstall(installer: Installer): boolean {
  try {
    execFileSync(installer.program, [...installer.args], { stdio: "ignore" });
    return true;
  } catch {
    return false; // the next installer, or the message that says what to do
  }
}

/** Our own Postgres 18: makes the cluster once, starts the server, and waits out what a killed server left behind. */
import { execFile } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { type Child, endedEarly, startChild } from "./child.ts";
import { orKill, stopChild } from "./child-stop.ts";
import type { Launch } from "./part.ts";
import { type PostgresFiles, preparePostgresFiles, reachableTemporaryFolder } from "./postgres-files.ts";
import { endOrphanedBackends } from "./postgres-orphans.ts";
import { postgresUser, type SystemUser } from "./postgres-user.ts";
import type { ProcessLedger } from "./process-ledger.ts";

export interface PostgresOptions {
  dataFolder: string;
  port: number;
  password: string;
  logFile: string;
  ledger: ProcessLedger;
}

const superuser = "postgres";
const database = "niyanta";
const readyCheckMs = 25;
const readyBoundMs = 60_000;
const connectBoundMs = 5_000;
const stopManner = { signal: "SIGINT", boundMs: 10_000 } as const; // SIGINT: roll back what runs, then end
const run = promisify(execFile);

/** Durable as in production: fsync and synchronous_commit stay on. */
const serverSettings: Record<string, string> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "100",
  shared_buffers: "256MB",
  max_wal_size: "2GB",
  jit: "off",
  log_min_messages: "warning",
};

export const ownDatabaseUrl = (port: number, password: string, name = database): string =>
  `postgresql://${superuser}:${password}@127.0.0.1:${port}/${name}`;

export function postgresLaunch(options: PostgresOptions): Launch {
  return async (signal) => {
    const user = postgresUser();
    const files = preparePostgresFiles(options.dataFolder, user);
    if (!existsSync(join(files.data, "PG_VERSION"))) await initialise(files, user, options.password);
    await endOrphanedBackends(files.data);
    const child = await startServer(files, user, options);
    await orKill(child, untilReady(child, options, signal));
    return {
      pid: () => child.pid,
      exited: child.exited,
      stop: () => stopChild(child, stopManner),
    };
  };
}

async function initialise(files: PostgresFiles, user: SystemUser | null, password: string): Promise<void> {
  const folder = mkdtempSync(join(reachableTemporaryFolder(user), "niyanta-password-"));
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${password}\n`);
  if (user !== null) for (const path of [passwordFile, folder]) chownSync(path, user.uid, user.gid);
  const settings = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions", "--no-sync"];
  const args = [`--pgdata=${files.data}`, `--username=${superuser}`, `--pwfile=${passwordFile}`, ...settings];
  try {
    await run(join(files.bin, "initdb"), args, { cwd: files.data, ...user });
  } catch (error) {
    throw new Error(`making the Postgres cluster in ${files.data}`, { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function startServer(files: PostgresFiles, user: SystemUser | null, options: PostgresOptions): Promise<Child> {
  const settings = Object.entries({ ...serverSettings, port: String(options.port) });
  return startChild(
    {
      part: "postgres",
      command: join(files.bin, "postgres"),
      args: ["-D", files.data, ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      logFile: options.logFile,
      cwd: files.data,
      ...(user === null ? {} : { user }),
    },
    options.ledger,
  );
}

/** Ready when the database that the stack uses exists and answers: a server after a kill replays its log first. */
async function untilReady(child: Child, options: PostgresOptions, signal: AbortSignal): Promise<void> {
  const ended = child.exited.then((exit) => {
    throw endedEarly("postgres", exit, options.logFile);
  });
  const end = performance.now() + readyBoundMs;
  while (!(await Promise.race([ended, makeDatabase(options)]))) {
    if (performance.now() > end) throw new Error(`postgres did not answer within ${readyBoundMs} ms`);
    await delay(readyCheckMs, undefined, { signal });
  }
  ended.catch(() => undefined); // from now on its end is the part's to notice
}

/** Whether the server answered. */
async function makeDatabase(options: PostgresOptions): Promise<boolean> {
  const client = new pg.Client({
    connectionString: ownDatabaseUrl(options.port, options.password, "postgres"),
    connectionTimeoutMillis: connectBoundMs,
  });
  client.on("error", () => undefined); // told to the query that waits
  try {
    await client.connect();
    const found = await client.query("select 1 from pg_database where datname = $1", [database]);
    if (found.rowCount === 0) await client.query(`create database ${database}`);
    return true;
  } catch (error) {
    if (isStillStarting(error)) return false;
    throw new Error("making the database", { cause: error });
  } finally {
    await client.end().catch(() => undefined); // a connection that never was has no end
  }
}

const startingCodes = new Set(["ECONNREFUSED", "ECONNRESET", "57P03"]);
const isStillStarting = (error: unknown): boolean =>
  error instanceof Error && "code" in error && typeof error.code === "string" && startingCodes.has(error.code);

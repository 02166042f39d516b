/** Brings a database up to date (two that run at once take turns), and lets the control plane log in to it. */
import { join } from "node:path";
import { DrizzleQueryError } from "drizzle-orm/errors";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate as runMigrations } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";

const migrationsFolder = join(import.meta.dirname, "migrations");
/** Any number that nobody else locks in this database. */
const lockId = 6_942_600;
const connectMsMax = 15_000;
/** What the control plane logs in as: it owns nothing, and row-level security holds for it. */
const apiRole = "niyanta_api";
/** SQLSTATE of "tuple concurrently updated": another database of the cluster changes the same role. */
const changedMeanwhile = "XX000";

/** Needs a session of its own: not through a pooler in transaction mode. */
export async function migrate(databaseUrl: string): Promise<void> {
  await withSession("migrating the database", databaseUrl, async (client) => {
    await client.query("select pg_advisory_lock($1)", [lockId]); // let go when the session ends
    await runMigrations(drizzle({ client }), { migrationsFolder });
  });
}

/** Lets the control plane log in with this password; again with another one: the one before ends for new connections. */
export async function openLogin(databaseUrl: string, password: string): Promise<void> {
  const statement = `alter role ${apiRole} login password ${pg.escapeLiteral(password)}`;
  await withSession(`giving the role ${apiRole} its password`, databaseUrl, (client) => untilAlone(client, statement));
}

/** Where the control plane connects to: the database of this URL, under its own role. */
export function apiDatabaseUrl(databaseUrl: string, password: string): string {
  const url = new URL(databaseUrl);
  url.username = apiRole;
  url.password = encodeURIComponent(password);
  return url.href;
}

async function withSession(what: string, url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectMsMax });
  client.on("error", () => undefined); // a connection that breaks is told to the statement that waits
  try {
    await client.connect();
    await work(client);
  } catch (error) {
    // Drizzle's own error is the whole text of the migration.
    throw new Error(what, { cause: error instanceof DrizzleQueryError ? error.cause : error });
  } finally {
    await client.end();
  }
}

async function untilAlone(client: pg.Client, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== changedMeanwhile) throw error;
    await untilAlone(client, statement);
  }
}

if (import.meta.main) {
  const { DATABASE_URL, API_DATABASE_PASSWORD } = process.env;
  if (DATABASE_URL === undefined) throw new Error("set DATABASE_URL to the database that is to be migrated");
  await migrate(DATABASE_URL);
  if (API_DATABASE_PASSWORD) await openLogin(DATABASE_URL, API_DATABASE_PASSWORD);
  process.stdout.write("The database is up to date.\n");
}

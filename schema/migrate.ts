/** Brings a database up to date; two that run at once do it one after the other. */
import { join } from "node:path";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate as runMigrations } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";

const migrationsFolder = join(import.meta.dirname, "migrations");
/** Any number that nobody else locks in this database. */
const lockId = 6_942_600;
const connectMsMax = 15_000;

/** Needs a session of its own: not through a pooler in transaction mode. */
export async function migrate(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: connectMsMax });
  client.on("error", () => undefined); // a connection that breaks is told to the statement that waits
  try {
    await client.connect();
    await client.query("select pg_advisory_lock($1)", [lockId]); // let go when the session ends
    await runMigrations(drizzle({ client }), { migrationsFolder });
  } catch (error) {
    throw new Error("migrating the database", { cause: error });
  } finally {
    await client.end();
  }
}

if (import.meta.main) {
  const { DATABASE_URL } = process.env;
  if (DATABASE_URL === undefined) throw new Error("set DATABASE_URL to the database that is to be migrated");
  await migrate(DATABASE_URL);
  process.stdout.write("The database is up to date.\n");
}

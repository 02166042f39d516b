/** The way to Postgres: drizzle over Neon's HTTP driver, each request with a bound on its time. */
import { neon, neonConfig } from "@neondatabase/serverless";
import { drizzle, type NeonHttpDatabase } from "drizzle-orm/neon-http";

export type Database = NeonHttpDatabase<Record<string, never>>;

export interface DatabaseOptions {
  readonly databaseUrl: string;
  /** Where `POST /sql` is answered, when it is not Neon itself (the local gateway). */
  readonly fetchEndpoint?: string;
}

const requestMsMax = 10_000;
/** By `host:port`: the driver knows one setting for all databases. */
const endpoints = new Map<string, string>();
const neonEndpoint = (host: string): string => `https://${host.replace(/^[^.]+\./, "api.")}/sql`;

neonConfig.fetchEndpoint = (host, port) => endpoints.get(`${host}:${port}`) ?? neonEndpoint(host);
neonConfig.fetchFunction = (url: string, request: RequestInit) =>
  fetch(url, { ...request, signal: AbortSignal.timeout(requestMsMax) });

export function openDatabase({ databaseUrl, fetchEndpoint }: DatabaseOptions): Database {
  const { hostname, port } = new URL(databaseUrl);
  if (fetchEndpoint !== undefined) endpoints.set(`${hostname}:${port}`, fetchEndpoint);
  return drizzle({ client: neon(databaseUrl) });
}

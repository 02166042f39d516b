/**
 * The way to Postgres: drizzle over Neon's HTTP driver, each request with a bound on its time, and the only place that
 * says for whom a request is. Row-level security shows a transaction what belongs to the customer that it names and
 * nothing else; so every request is a transaction, and its first statement names one.
 */
import { type NeonQueryFunction, NeonQueryPromise, neon, neonConfig } from "@neondatabase/serverless";
import { drizzle, type NeonHttpDatabase } from "drizzle-orm/neon-http";
import type { CustomerId } from "../../../schema/ids.ts";
import { Circuit } from "./circuit.ts";

export type Database = NeonHttpDatabase<Record<string, never>>;

export interface DatabaseOptions {
  readonly databaseUrl: string;
  /** Where `POST /sql` is answered, when it is not Neon itself (the local gateway). */
  readonly fetchEndpoint?: string;
  readonly clock: () => number;
}

export interface Databases {
  /** Sees and writes what belongs to this customer. */
  asCustomer(customerId: CustomerId): Database;
  /** For what belongs to no customer, or to all of them. */
  asOperator(): Database;
  /** For moving and dropping what is old, of all customers, and nothing else. */
  asRetention(): Database;
}

/** The trail may be cut only by who says so. What is old is found by an index, however little Postgres knows of a table. */
const becomeRetention = `select set_config('role', 'niyanta_retention', true),
  set_config('niyanta.retention', 'on', true), set_config('enable_seqscan', 'off', true)`;

type Client = NeonQueryFunction<boolean, boolean>;
type Statement = ReturnType<Client["query"]>;

const requestMsMax = 10_000;
/** By `host:port`: the driver knows one setting for all databases. */
const endpoints = new Map<string, string>();
/** By the address of the endpoint: all of an isolate learn from each other. */
const circuits = new Map<string, Circuit>();
const neonEndpoint = (host: string): string => `https://${host.replace(/^[^.]+\./, "api.")}/sql`;

neonConfig.fetchEndpoint = (host, port) => endpoints.get(`${host}:${port}`) ?? neonEndpoint(host);
neonConfig.fetchFunction = async (url: string, request: RequestInit) => {
  const circuit = circuits.get(url);
  if (circuit?.enter() === false) throw new Error("the database has not served for a while, and is not asked just now");
  let wasServed = false;
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.timeout(requestMsMax) });
    wasServed = response.status < 500;
    return response;
  } finally {
    circuit?.leave(wasServed);
  }
};

export function openDatabases({ databaseUrl, fetchEndpoint, clock }: DatabaseOptions): Databases {
  const { hostname, port } = new URL(databaseUrl);
  if (fetchEndpoint !== undefined) endpoints.set(`${hostname}:${port}`, fetchEndpoint);
  const endpoint = fetchEndpoint ?? neonEndpoint(hostname);
  if (!circuits.has(endpoint)) circuits.set(endpoint, new Circuit(clock));
  const client = neon<boolean, boolean>(databaseUrl);
  const operator = behind(client, client.query("set local role niyanta_operator"));
  const retention = behind(client, client.query(becomeRetention));
  return {
    asCustomer: (customerId) =>
      behind(client, client.query("select set_config('niyanta.customer_id', $1, true)", [customerId])),
    asOperator: () => operator,
    asRetention: () => retention,
  };
}

/** Whose every request is a transaction that begins with `opening`. */
function behind(client: Client, opening: Statement): Database {
  const transaction = async (statements: readonly Statement[], options: Parameters<Client["transaction"]>[1]) =>
    (await client.transaction([opening, ...statements], options)).slice(1);
  const query = (...call: Parameters<Client["query"]>) => {
    const statement = client.query(...call);
    const alone = async () => (await client.transaction([opening, statement]))[1];
    return new NeonQueryPromise(alone, statement.queryData, statement.opts);
  };
  const verbs = { query, transaction };
  return drizzle({ client: new Proxy(client, { get: (_, name) => Reflect.get(verbs, name) }) });
}

/** Runs the queries of one request over a pool, one pool for each connection string that is asked for. */
import type { IncomingHttpHeaders } from "node:http";
import pg from "pg";
import { z } from "zod";
import { BadRequest } from "./neon-reply.ts";

export interface SqlTraffic {
  readonly queries: number;
  readonly under_way: number;
}

export interface SqlRunner {
  /** What the reply's body is to say. */
  run(body: string, headers: IncomingHttpHeaders): Promise<unknown>;
  /** Statements that came so far, and requests whose reply is not there yet. */
  traffic(): SqlTraffic;
  close(): Promise<void>;
}

export interface SqlRunnerOptions {
  /** `host:port` of the one database server that is talked to. */
  databaseHost: string;
  poolMax: number;
  /** Plan a statement once for each connection: faster than Neon's own endpoint, which plans every time. */
  prepare: boolean;
}

const poolsMax = 8;
const statementsPreparedMax = 500;
const clientWaitMs = 15_000;
const idleMs = 60_000;

const querySchema = z.object({ query: z.string(), params: z.custom<unknown[]>(Array.isArray).optional() });
const requestSchema = z.union([querySchema, z.object({ queries: z.array(querySchema) })]);
type Query = z.infer<typeof querySchema>;
type SqlRequest = z.infer<typeof requestSchema>;
type NameOf = (text: string) => string | undefined;
type ResultForm = {
  rowMode: "array" | undefined;
  types: { getTypeParser(id: number): (text: string) => unknown } | undefined;
};

const asText = (text: string) => text;
const rawText = { getTypeParser: () => asText };
const isolationLevels: Record<string, string> = {
  ReadUncommitted: "READ UNCOMMITTED",
  ReadCommitted: "READ COMMITTED",
  RepeatableRead: "REPEATABLE READ",
  Serializable: "SERIALIZABLE",
};

export function createSqlRunner(options: SqlRunnerOptions): SqlRunner {
  const pools = new Map<string, pg.Pool>();
  const nameOf: NameOf = options.prepare ? nameStatements() : () => undefined;
  const traffic = { queries: 0, under_way: 0 };
  const poolFor = (headers: IncomingHttpHeaders) => {
    const url = textHeader(headers, "neon-connection-string");
    const pool = pools.get(url) ?? openPool(url, options, pools.size);
    pools.set(url, pool);
    return pool;
  };
  return {
    async run(body, headers) {
      const request = parseRequest(body);
      const pool = poolFor(headers);
      traffic.queries += "query" in request ? 1 : request.queries.length;
      traffic.under_way += 1;
      return answer(request, pool, headers, nameOf).finally(() => {
        traffic.under_way -= 1;
      });
    },
    traffic: () => ({ ...traffic }),
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.end()));
    },
  };
}

async function answer(request: SqlRequest, pool: pg.Pool, headers: IncomingHttpHeaders, nameOf: NameOf) {
  const form = resultForm(headers);
  if ("query" in request) return toResult(await pool.query(toQuery(request, form, nameOf)), form);
  return { results: await runBatch(pool, request.queries, beginStatement(headers), form, nameOf) };
}

function openPool(url: string, options: SqlRunnerOptions, open: number): pg.Pool {
  if (!URL.canParse(url) || new URL(url).host !== options.databaseHost) {
    throw new BadRequest(`this gateway serves ${options.databaseHost} only`);
  }
  if (open >= poolsMax) throw new BadRequest(`more than ${poolsMax} different connection strings`);
  const pool = new pg.Pool({
    connectionString: url,
    max: options.poolMax,
    connectionTimeoutMillis: clientWaitMs,
    idleTimeoutMillis: idleMs,
    pipeline: true,
  });
  // An idle connection that breaks leaves the pool; the next query opens another one, or says why it cannot.
  pool.on("error", () => undefined);
  // One that breaks inside a batch tells the query that waits on it; unheard here, it would end the process.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/**
 * The statements of a batch follow each other without waiting for replies. Behind one that is refused Postgres refuses
 * all, and then the COMMIT rolls back.
 */
async function runBatch(
  pool: pg.Pool,
  queries: readonly Query[],
  begin: string,
  form: ResultForm,
  nameOf: NameOf,
): Promise<unknown[]> {
  const client = await pool.connect();
  const begun = client.query(begin);
  const sent = queries.map((query) => client.query(toQuery(query, form, nameOf)));
  const committed = client.query("COMMIT");
  const outcomes = await Promise.allSettled([begun, ...sent, committed]);
  // A connection whose COMMIT failed may be broken: it is not used again.
  client.release(outcomes.at(-1)?.status === "rejected");
  const refused = outcomes.find((outcome) => outcome.status === "rejected");
  if (refused !== undefined) throw refused.reason;
  return (await Promise.all(sent)).map((result) => toResult(result, form));
}

function toQuery(query: Query, form: ResultForm, nameOf: NameOf): pg.QueryConfig & ResultForm {
  return { name: nameOf(query.query), text: query.query, values: query.params ?? [], ...form };
}

/** A short name for each text, up to a bound: beyond it statements are planned every time. */
function nameStatements(): NameOf {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined || names.size >= statementsPreparedMax) return known;
    const name = `s${names.size}`;
    names.set(text, name);
    return name;
  };
}

function toResult(result: pg.QueryResult, form: ResultForm) {
  const { command, rowCount, fields, rows } = result;
  return { command, rowCount, rows, fields, rowAsArray: form.rowMode === "array" };
}

function resultForm(headers: IncomingHttpHeaders): ResultForm {
  return {
    rowMode: headers["neon-array-mode"] === "true" ? "array" : undefined,
    types: headers["neon-raw-text-output"] === "true" ? rawText : undefined,
  };
}

export function beginStatement(headers: IncomingHttpHeaders): string {
  const level = headers["neon-batch-isolation-level"];
  const isolation = typeof level === "string" ? isolationLevels[level] : undefined;
  if (level !== undefined && isolation === undefined) throw new BadRequest(`no isolation level ${level}`);
  return [
    "BEGIN",
    isolation && `ISOLATION LEVEL ${isolation}`,
    headers["neon-batch-read-only"] === "true" && "READ ONLY",
    headers["neon-batch-deferrable"] === "true" && "DEFERRABLE",
  ]
    .filter(Boolean)
    .join(" ");
}

function parseRequest(body: string): SqlRequest {
  try {
    return requestSchema.parse(JSON.parse(body));
  } catch (error) {
    throw new BadRequest("the body is neither a query nor a batch of queries", { cause: error });
  }
}

function textHeader(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  if (typeof value !== "string") throw new BadRequest(`the header ${name} is missing`);
  return value;
}

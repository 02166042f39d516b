/**
 * Speaks Neon's `POST /sql` (a single query, or a batch as one transaction) in front of a plain Postgres, so that the
 * driver of production works on a laptop. The hot path of a benchmark: rows are passed on as the text they came as.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type GatewayReply, tooLarge, toReply } from "./neon-reply.ts";
import { createSqlRunner, type SqlRunner, type SqlRunnerOptions, type SqlTraffic } from "./neon-sql.ts";

export interface NeonGateway {
  server: Server;
  traffic(): SqlTraffic;
  close(): Promise<void>;
}

export interface NeonGatewayOptions extends SqlRunnerOptions {
  bodyBytesMax: number;
}

export const gatewayPoolMax = 16;
export const gatewayBodyBytesMax = 32 * 1024 * 1024;
const keepAliveMs = 120_000;

export function createNeonGateway(options: NeonGatewayOptions): NeonGateway {
  const runner = createSqlRunner(options);
  const server = createServer((request, response) => {
    route(request, options, runner).then(
      (reply) => send(response, reply),
      (error: unknown) => send(response, toReply(error)),
    );
  });
  server.keepAliveTimeout = keepAliveMs;
  return {
    server,
    traffic: () => runner.traffic(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await runner.close();
    },
  };
}

async function route(request: IncomingMessage, options: NeonGatewayOptions, runner: SqlRunner): Promise<GatewayReply> {
  if (request.method === "GET" && request.url === "/stats") return ok(runner.traffic());
  if (request.method !== "POST" || request.url !== "/sql") return { status: 404, body: '{"message":"no such route"}' };
  const body = await readBody(request, options.bodyBytesMax);
  if (body === null) return tooLarge(options.bodyBytesMax);
  return ok(await runner.run(body, request.headers));
}

const ok = (content: unknown): GatewayReply => ({ status: 200, body: JSON.stringify(content) });

/** Null when it is larger than `bytesMax`. */
async function readBody(request: IncomingMessage, bytesMax: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part: Buffer = chunk;
    bytes += part.length;
    if (bytes > bytesMax) return null;
    chunks.push(part);
  }
  return Buffer.concat(chunks, bytes).toString("utf8");
}

function send(response: ServerResponse, reply: GatewayReply): void {
  if (response.destroyed) return; // nobody waits any more
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
}

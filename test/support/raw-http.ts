/** Requests as they are written, also those that a well-behaved client cannot make; connections are kept. */
import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { text as readAll } from "node:stream/consumers";

export interface RawRequest {
  readonly method: string;
  /** As it goes over the wire, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
}

export interface RawReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Of a stream without an end, as much as was to be heard of it; frames of a WebSocket as they came. */
  readonly text: string;
}

/** Whether enough was heard of a stream; one that ends is heard to its end. */
export type IsEnough = (heard: string) => boolean;

export interface RawClient {
  /** Of a stream nothing is heard, unless it is said what is enough. */
  send(request: RawRequest, isEnough?: IsEnough): Promise<RawReply>;
  /** Several at once, never more than there are connections; replies in the order of the requests. */
  sendAll(requests: readonly RawRequest[]): Promise<RawReply[]>;
  /** Goes away as soon as all of it is sent, whatever becomes of it. */
  abandon(request: RawRequest): Promise<void>;
  close(): void;
}

const connectionsDefault = 16;
const endless = /^text\/event-stream/;

export function rawClient(url: string, connectionsMax = connectionsDefault): RawClient {
  const agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });
  const send = (request: RawRequest, isEnough: IsEnough = () => true) => exchange(url, agent, request, isEnough);
  return {
    send,
    sendAll: (requests) => Promise.all(requests.map((request) => send(request))),
    abandon: (request) => sendAndLeave(url, request),
    close: () => agent.destroy(),
  };
}

function exchange(url: string, agent: Agent, request: RawRequest, isEnough: IsEnough): Promise<RawReply> {
  const { method, path, headers, body } = request;
  const { promise, resolve, reject } = Promise.withResolvers<RawReply>();
  const { hostname, port } = new URL(url);
  const sent = httpRequest({ agent, hostname, port, method, path, headers: withLength(headers, body) });
  sent.on("error", (error) => reject(new Error(`sending ${method} ${path}`, { cause: error })));
  sent.on("response", (message) => read(message, isEnough).then(resolve, reject));
  sent.on("upgrade", ({ statusCode: status = 0, headers: given }, socket, head) => {
    socket.unshift(head);
    hear(socket, isEnough).then((text) => resolve({ status, headers: given, text }), reject);
  });
  sent.end(body ?? undefined);
  return promise;
}

function sendAndLeave(url: string, { method, path, headers, body }: RawRequest): Promise<void> {
  const { hostname, port } = new URL(url);
  const sent = httpRequest({ agent: false, hostname, port, method, path, headers: withLength(headers, body) });
  const { promise, resolve } = Promise.withResolvers<void>();
  // That it was cut off is what was wanted; where the other side is away, it is no other outcome.
  sent.on("error", () => resolve());
  sent.on("finish", () => sent.destroy());
  sent.on("close", () => resolve());
  sent.end(body ?? undefined);
  return promise;
}

const withLength = (headers: RawRequest["headers"], body: RawRequest["body"]) =>
  body === null ? headers : { ...headers, "content-length": Buffer.byteLength(body) };

async function read(message: IncomingMessage, isEnough: IsEnough): Promise<RawReply> {
  const { statusCode: status = 0, headers } = message;
  const isEndless = endless.test(headers["content-type"] ?? "");
  return { status, headers, text: await (isEndless ? hear(message, isEnough) : readAll(message)) };
}

async function hear(stream: Readable, isEnough: IsEnough): Promise<string> {
  let heard = "";
  if (!isEnough(heard)) {
    for await (const chunk of stream) {
      heard += String(chunk);
      if (isEnough(heard)) break;
    }
  }
  stream.destroy();
  return heard;
}

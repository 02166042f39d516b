/** The door of a coordinator for sockets: only the Worker reaches it, and says for whom. */
import { StoreUnavailable } from "../store/store.ts";
import { watchHeader } from "./gateway.ts";
import type { LiveUpdates, Opening } from "./live.ts";
import { unavailable } from "./session.ts";
import { type Watch, watchSchema } from "./watch.ts";

/** The runtime answers it by itself: a client that wants to know whether the line is up wakes nobody. */
export const keepAlive = (): WebSocketRequestResponsePair => new WebSocketRequestResponsePair("ping", "pong");

/** 101 with the client's end; or an `Opening` of another kind, as JSON. */
export async function upgrade(ctx: DurableObjectState, live: LiveUpdates, request: Request): Promise<Response> {
  const watch = readWatch(request);
  const { 0: client, 1: server } = new WebSocketPair();
  const opening = await open(live, watch, () => {
    ctx.acceptWebSocket(server);
    return server;
  });
  if (opening.kind !== "begun") return Response.json(opening);
  return new Response(null, { status: 101, webSocket: client, headers: watch.headers });
}

const readWatch = (request: Request): Watch =>
  watchSchema.parse(JSON.parse(decodeURIComponent(request.headers.get(watchHeader) ?? "null")));

async function open(live: LiveUpdates, watch: Watch, accept: () => WebSocket): Promise<Opening> {
  try {
    return await live.open(watch, accept);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return { kind: "refused", refusal: unavailable("database") };
  }
}

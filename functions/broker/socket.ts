/** The sockets under the broker's client: given up at once when the other side is gone, whatever is still unsent. */
import type { ConnectionOptions } from "nats.ws";

interface SocketOptions extends ConnectionOptions {
  readonly wsFactory: (url: string) => Promise<{ socket: WebSocket; encrypted: boolean }>;
}

/** Understood by the library, though its `ConnectionOptions` do not say so. */
export const withBrokerSockets = (options: ConnectionOptions): SocketOptions => ({
  ...options,
  wsFactory: async (url) => ({ socket: brokerSocket(url), encrypted: url.startsWith("wss:") }),
});

/**
 * The library waits a tenth of a second, over and over, while something is unsent, before it drops a connection; a dead
 * peer would never let that end. So it waits once. An orderly close loses nothing by this: its close frame queues behind
 * what was sent before. Not at all would be wrong: dropped within the turn in which it was made, as when the broker
 * refuses it right behind its first answer, a connection is taken for made and never made again.
 */
function brokerSocket(url: string): WebSocket {
  const socket = new WebSocket(url);
  let unsent = 1;
  Object.defineProperty(socket, "bufferedAmount", { get: () => unsent-- });
  return socket;
}

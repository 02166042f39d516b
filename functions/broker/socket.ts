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
 * The library waits until nothing is unsent before it drops a connection whose pings stay unanswered, which a dead peer
 * never lets happen. An orderly close loses nothing by this: its close frame queues behind what was sent before.
 */
function brokerSocket(url: string): WebSocket {
  const socket = new WebSocket(url);
  Object.defineProperty(socket, "bufferedAmount", { get: () => 0 });
  return socket;
}

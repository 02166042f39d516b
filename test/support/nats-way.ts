/** A way to a test's broker: connections on it can be cut, and made to end with the first thing that the broker says. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { natsUrl } from "../../infra/local/nats.ts";
import type { TestNats } from "./nats.ts";

/** A frame of a WebSocket from a server, short and unmasked. */
const frame = (opcode: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([0x80 | opcode, text.length]), Buffer.from(text)]);

const refusal = frame(0x2, "-ERR 'User Authentication Expired'\r\n");
const farewell = frame(0x8, "");

/** What comes right behind the answer to a client's first ping, with which the library takes itself for connected. */
export const endings = {
  lost: (client: Socket, answer: Buffer) => client.end(answer),
  refused: (client: Socket, answer: Buffer) => client.end(Buffer.concat([answer, refusal])),
  closed: (client: Socket, answer: Buffer) => client.end(Buffer.concat([answer, farewell])),
  silent: (client: Socket, answer: Buffer) => client.removeAllListeners("data").resume().write(answer),
} as const;
export type Ending = keyof typeof endings;

export interface NatsWay {
  readonly url: string;
  /** Every connection that was ever made on it. */
  readonly clients: readonly Socket[];
  /** Ends the connections that there are. */
  cut(): void;
  stop(): void;
}

/** `endAt`: how the first, the second, … connection ends; those without an ending stay. */
export async function startWay(nats: Pick<TestNats, "url">, endAt: readonly (Ending | null)[]): Promise<NatsWay> {
  const clients: Socket[] = [];
  const server = createServer((client) => {
    const ending = endAt[clients.push(client) - 1] ?? null;
    const broker = connect(Number(new URL(nats.url).port), "127.0.0.1");
    client.on("data", (bytes) => broker.write(bytes)).on("error", () => undefined);
    client.on("close", () => broker.destroy());
    broker.on("close", () => client.destroy()).on("error", () => undefined);
    broker.on("data", (bytes) => {
      if (ending !== null && bytes.includes("PONG")) endings[ending](client, bytes);
      else client.write(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    for (const client of clients) client.destroy();
  };
  const stop = () => {
    cut();
    server.close();
  };
  return { url: natsUrl((server.address() as AddressInfo).port), clients, cut, stop };
}

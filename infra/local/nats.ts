/** The broker: nats-server with a WebSocket listener on 127.0.0.1, and nothing that it remembers. */
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type Child, endedEarly, startChild } from "./child.ts";
import { orKill, stopChild } from "./child-stop.ts";
import type { NatsAuthority } from "./nats-authority.ts";
import type { Launch } from "./part.ts";
import type { ProcessLedger } from "./process-ledger.ts";

export interface NatsOptions {
  program: string;
  configFile: string;
  port: number;
  webSocketPort: number;
  authority: NatsAuthority;
  logFile: string;
  ledger: ProcessLedger;
}

const readyCheckMs = 10;
const readyBoundMs = 15_000;
const stopManner = { signal: "SIGTERM", boundMs: 3_000 } as const;

/**
 * No JetStream: Postgres remembers. Message sizes stay at the server's default of 1 MB. Whoever connects brings a JWT that
 * the account's key has signed, and proves to have the key that it is for.
 */
export const natsConfig = (
  port: number,
  webSocketPort: number,
  authority: NatsAuthority,
): string => `listen: "127.0.0.1:${port}"
websocket {
  listen: "127.0.0.1:${webSocketPort}"
  no_tls: true
}
operator: "${authority.operatorJwt}"
resolver: MEMORY
resolver_preload {
  ${authority.account}: "${authority.accountJwt}"
}
`;

export const natsUrl = (webSocketPort: number): string => `ws://127.0.0.1:${webSocketPort}`;

export function natsLaunch(options: NatsOptions): Launch {
  return async (signal) => {
    writeFileSync(options.configFile, natsConfig(options.port, options.webSocketPort, options.authority));
    const args = ["-c", options.configFile];
    const { program: command, logFile } = options;
    const child = await startChild({ part: "nats", command, args, logFile }, options.ledger);
    await orKill(child, untilListening(child, options, signal));
    return { pid: () => child.pid, exited: child.exited, stop: () => stopChild(child, stopManner) };
  };
}

async function untilListening(child: Child, options: NatsOptions, signal: AbortSignal): Promise<void> {
  const ended = child.exited.then((exit) => {
    throw endedEarly("nats", exit, options.logFile);
  });
  const end = performance.now() + readyBoundMs;
  while (!(await Promise.race([ended, accepts(options.webSocketPort)]))) {
    if (performance.now() > end) throw new Error(`nats did not listen within ${readyBoundMs} ms`);
    await delay(readyCheckMs, undefined, { signal });
  }
  ended.catch(() => undefined); // from now on its end is the part's to notice
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Starts the Neon gateway as a process of its own: its work must not steal time from the supervisor or a test. */
import { join } from "node:path";
import { z } from "zod";
import { startChild } from "./child.ts";
import { untilMessage } from "./child-message.ts";
import { orKill, stopChild } from "./child-stop.ts";
import type { Launch } from "./part.ts";
import type { ProcessLedger } from "./process-ledger.ts";

export interface GatewayOptions {
  port: number;
  databaseUrl: string;
  prepare: boolean;
  logFile: string;
  ledger: ProcessLedger;
}

const stopManner = { signal: "SIGTERM", boundMs: 2_000 } as const;
const readySchema = z.object({ ready: z.literal(true) });

export const gatewayUrl = (port: number): string => `http://127.0.0.1:${port}`;

export function gatewayLaunch(options: GatewayOptions): Launch {
  return async (signal) => {
    const child = await startChild(
      {
        part: "gateway",
        command: process.execPath,
        args: [join(import.meta.dirname, "gateway-process.ts")],
        logFile: options.logFile,
        channel: "ipc",
        env: {
          NIYANTA_GATEWAY_PORT: String(options.port),
          NIYANTA_GATEWAY_DATABASE: new URL(options.databaseUrl).host,
          NIYANTA_GATEWAY_PREPARE: String(options.prepare),
        },
      },
      options.ledger,
    );
    await orKill(child, untilMessage(child, "gateway", readySchema, options.logFile, signal));
    return { pid: () => child.pid, exited: child.exited, stop: () => stopChild(child, stopManner) };
  };
}

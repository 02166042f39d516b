/** Finds TCP ports on 127.0.0.1 that are free now, below the range the kernel gives to outgoing connections. */

import { randomInt } from "node:crypto";
import { createServer } from "node:net";

const portMin = 20_000;
const portMax = 32_000;
const triesMax = 200;

export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

export async function findFreePort(taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const port = randomInt(portMin, portMax);
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
  throw new Error(`no free port between ${portMin} and ${portMax} after ${triesMax} tries`);
}

/** `count` different free ports. */
export async function findFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await findFreePort(ports));
  return [...ports];
}

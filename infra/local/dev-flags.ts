/** The flags of `npm run dev`. */
import { Command, InvalidArgumentError } from "commander";
import { heartbeatSecondsDefault, leaseHeartbeatsMin, leaseSecondsDefault, slotsMax } from "../../schema/limits.ts";

export interface DevFlags {
  agents: number;
  slots: number;
  port: number;
  portChosen: boolean;
  fresh: boolean;
  detach: boolean;
  restart: boolean;
  leaseSeconds: number;
  heartbeatSeconds: number;
}

const agentsMax = 1_000;
const portMax = 65_535;
const secondsMax = 3_600;
export const portDefault = 8787;

const integer = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
};

const heartbeats = integer(1, secondsMax);

/** The usual one, or as many seconds as a short lease allows. */
export const heartbeatFor = (leaseSeconds: number): number =>
  Math.min(heartbeatSecondsDefault, Math.floor(leaseSeconds / leaseHeartbeatsMin));

/** Ends the process with a message for flags that are wrong, and for --help. */
export function parseDevFlags(argv: readonly string[]): DevFlags {
  const command = new Command("npm run dev --")
    .description("Runs Niyanta on this machine: Postgres, NATS, the control plane and its agents.")
    .option("--agents <n>", "worker agents", integer(0, agentsMax), 2)
    .option("--slots <n>", "slots of each agent", integer(1, slotsMax), 10)
    .option("--port <p>", "port of the API; 0: any", integer(0, portMax), portDefault)
    .option("--fresh", "begin with empty data", false)
    .option("--detach", "return when ready; `npm run stop` ends it", false)
    .option("--no-restart", "leave what ends")
    .option("--lease-seconds <s>", "lease of a worker", integer(leaseHeartbeatsMin, secondsMax), leaseSecondsDefault)
    .option("--heartbeat-seconds <s>", "between two heartbeats (default: 5, or a third of the lease)", heartbeats)
    .parse(argv);
  const flags = { heartbeatSeconds: 0, ...command.opts<Omit<DevFlags, "portChosen" | "heartbeatSeconds">>() };
  flags.heartbeatSeconds ||= heartbeatFor(flags.leaseSeconds);
  if (flags.leaseSeconds < leaseHeartbeatsMin * flags.heartbeatSeconds) {
    command.error(`error: the lease must be at least ${leaseHeartbeatsMin} heartbeats long`);
  }
  return { ...flags, portChosen: command.getOptionValueSource("port") !== "default" };
}

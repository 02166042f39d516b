/** What can be chosen about a stack, and what it is when nothing is said. */
import { heartbeatSecondsDefault, leaseSecondsDefault } from "../../schema/limits.ts";
import { agentProgram } from "./agent.ts";
import { repositoryRoot } from "./data-folder.ts";

export interface StackOptions {
  /** Null: a temporary folder of its own, removed when the stack stops. */
  dataFolder: string | null;
  /** A database to use instead of starting one; null: our own. */
  databaseUrl: string | null;
  agents: number;
  slots: number;
  /** Of the API; 0: any. */
  port: number;
  leaseSeconds: number;
  heartbeatSeconds: number;
  drainSeconds: number;
  /** Start what ends without being asked to again. */
  restart: boolean;
  /** Reload the control plane when a source changes. */
  watch: boolean;
  logLevel: string;
  /** The gateway keeps the plans of statements; Neon does not. */
  prepareStatements: boolean;
  /** What hosts the control plane. */
  host: "miniflare" | "wrangler";
  /** Further bindings of the Worker. */
  bindings: Record<string, string>;
  /** The folder of wrangler.toml, and the program of an agent: a test may bring its own. */
  project: string;
  agentProgram: string;
  say(line: string): void;
}

const drainSecondsLocal = 10;

export const stackDefaults: StackOptions = {
  dataFolder: null,
  databaseUrl: null,
  agents: 2,
  slots: 10,
  port: 0,
  leaseSeconds: leaseSecondsDefault,
  heartbeatSeconds: heartbeatSecondsDefault,
  drainSeconds: drainSecondsLocal,
  restart: true,
  watch: false,
  logLevel: "info",
  prepareStatements: false,
  host: "miniflare",
  bindings: {},
  project: repositoryRoot,
  agentProgram,
  say: () => undefined,
};

/** Which types this worker can run, and how each is isolated. */
import { resolve } from "node:path";
import { graceMsDefault } from "../limits.ts";
import { builtinModules } from "../workloads/builtin.ts";
import { importDefinitions } from "./definitions.ts";
import { InlineRunner } from "./inline.ts";
import { ProcessRunner } from "./process.ts";
import type { ProcessGroups } from "./process-groups.ts";
import type { Runner } from "./running.ts";
import { ThreadRunner } from "./thread.ts";
import type { ThreadPool } from "./thread-pool.ts";

export interface CatalogueSettings {
  readonly builtins: boolean;
  /** URLs of the operator's modules. */
  readonly modules: readonly string[];
  readonly commands: Readonly<
    Record<
      string,
      {
        readonly command: readonly string[];
        readonly grace_seconds?: number | undefined;
        /** Where it runs; without it, in a folder of its own. */
        readonly cwd?: string | undefined;
      }
    >
  >;
  readonly workloadEnv: NodeJS.ProcessEnv;
  readonly threads: ThreadPool;
  readonly groups: ProcessGroups;
}

export interface Catalogue {
  readonly runners: ReadonlyMap<string, Runner>;
  /** Modules whose workloads run in threads: worth loading ahead. */
  readonly threadModules: readonly string[];
}

/** Throws when a module cannot be imported, exports no workload, or a type is defined twice. */
export async function buildCatalogue(settings: CatalogueSettings): Promise<Catalogue> {
  const runners = new Map<string, Runner>();
  const threadModules: string[] = [];
  for (const module of [...(settings.builtins ? builtinModules : []), ...settings.modules]) {
    for (const definition of await importDefinitions(module)) {
      const { type, isolation, memoryMb } = definition;
      if (isolation === "thread") threadModules.push(module);
      add(
        runners,
        type,
        isolation === "inline"
          ? new InlineRunner(definition, graceMsDefault)
          : new ThreadRunner({ pool: settings.threads, module, memoryMb, graceMs: graceMsDefault }),
      );
    }
  }
  for (const [type, entry] of Object.entries(settings.commands)) add(runners, type, processRunner(settings, entry));
  return { runners, threadModules: [...new Set(threadModules)] };
}

function processRunner(settings: CatalogueSettings, entry: CatalogueSettings["commands"][string]): Runner {
  const graceMs = entry.grace_seconds === undefined ? graceMsDefault : entry.grace_seconds * 1_000;
  const { workloadEnv: env, groups } = settings;
  const cwd = entry.cwd === undefined ? {} : { cwd: resolve(entry.cwd) };
  return new ProcessRunner({ command: entry.command, graceMs, env, groups, ...cwd });
}

function add(runners: Map<string, Runner>, type: string, runner: Runner): void {
  if (runners.has(type)) throw new Error(`the workload type ${type} is defined twice`);
  runners.set(type, runner);
}

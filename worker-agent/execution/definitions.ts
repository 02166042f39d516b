/** Finds the workload types that a module exports. */
import type { WorkloadDefinition } from "../sdk.ts";

const isDefinition = (value: unknown): value is WorkloadDefinition =>
  typeof value === "object" && value !== null && "niyanta" in value && value.niyanta === "workload";

/** `module`: a namespace object; a default export may be one definition or a list of them. */
export const definitionsIn = (module: object): readonly WorkloadDefinition[] => [
  ...new Set(Object.values(module).flat().filter(isDefinition)),
];

/** Imports the module at this URL; throws when it exports no workload. */
export async function importDefinitions(url: string): Promise<readonly WorkloadDefinition[]> {
  const module: unknown = await import(url);
  const found = typeof module === "object" && module !== null ? definitionsIn(module) : [];
  if (found.length === 0) throw new Error(`${url} exports no workload made by defineWorkload`);
  return found;
}

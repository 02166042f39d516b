/** The flags of `npm run bench`. */
import { Command, InvalidArgumentError } from "commander";

export interface BenchFlags {
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly prepare: boolean;
  readonly json: string | null;
}

/** Ends the process with a message for flags that are wrong, and for --help. */
export function parseFlags(argv: readonly string[], scenarios: readonly string[]): BenchFlags {
  const names = (text: string) => {
    const chosen = text.split(",");
    const unknown = chosen.filter((name) => !scenarios.includes(name));
    if (unknown.length === 0) return chosen;
    throw new InvalidArgumentError(`There is no ${unknown.join(", ")}; there are ${scenarios.join(", ")}.`);
  };
  const command = new Command("npm run bench --")
    .description("Measures a whole local stack, and prints a table and JSON.")
    .option("--only <names>", `of ${scenarios.join(", ")}`, names)
    .option("--quick", "fewer workloads and rounds: not to quote", false)
    .option("--prepare", "let the gateway keep the plans of statements, which Neon does not", false)
    .option("--json <file>", "write the JSON there, and not to the output")
    .parse(argv);
  return {
    only: scenarios,
    json: null,
    ...command.opts<Partial<BenchFlags> & Pick<BenchFlags, "quick" | "prepare">>(),
  };
}

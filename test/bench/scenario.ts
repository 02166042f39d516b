/** What a scenario of the benchmark is, and what it brings back. */
import type { Stack } from "../../infra/local/stack.ts";
import { startStack } from "../../infra/local/stack.ts";
import type { StackOptions } from "../../infra/local/stack-options.ts";

/** One line of the table. Without `least` and `aimed` it is a number to know, not a target. */
export interface Measurement {
  readonly what: string;
  readonly unit: "ms" | "s" | "/s" | "us" | "MB" | "queries";
  readonly value: number;
  /** The least to be accepted, and what is aimed at (SPEC §14). */
  readonly least?: number;
  readonly aimed?: number;
  readonly better: "lower" | "higher";
}

export interface Report {
  readonly measurements: readonly Measurement[];
  /** Further numbers, for the JSON only. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Surroundings {
  /** Fewer workloads and fewer rounds: to see that it runs, not to quote. */
  readonly quick: boolean;
  readonly signal: AbortSignal;
  say(line: string): void;
  /** A stack of the scenario's own, in a temporary folder, on free ports; the scenario disposes of it. */
  stack(chosen?: Partial<StackOptions>): Promise<Stack>;
}

export type Scenario = (around: Surroundings) => Promise<Report>;

export const stackFor =
  (shared: Partial<StackOptions>) =>
  (chosen: Partial<StackOptions> = {}): Promise<Stack> =>
    startStack({ agents: 2, slots: 1_000, ...shared, ...chosen });

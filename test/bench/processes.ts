/** What the processes of a stack have used: processor time and memory, from /proc. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { DevFile } from "../../infra/local/dev-file.ts";
import { rounded } from "./statistics.ts";

export interface Usage {
  readonly cpuMs: number;
  /** Memory of its own and its part of what is shared (PSS), and its highest resident size (0 for a group). */
  readonly memoryMb: number;
  readonly peakMb: number;
}

const ticksASecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
const kibAMb = 1024;

// Fields of /proc/<pid>/stat, counted after the command's closing parenthesis.
const parentField = 1;
const userField = 11;
const systemField = 12;
const userOfChildrenField = 13;
const systemOfChildrenField = 14;

/** By the names that dev.json gives; Postgres with its backends, agents one by one. */
export function usageOf({ processes }: DevFile): Record<string, Usage> {
  const { coordinator, gateway, nats, postgres, agents, supervisor } = processes;
  return {
    coordinator: usage(coordinator),
    gateway: usage(gateway),
    nats: usage(nats),
    ...(postgres === undefined ? {} : { postgres: usageOfGroup(postgres) }),
    ...Object.fromEntries(agents.map(({ pid }, index) => [`agent-${index + 1}`, usage(pid)])),
    bench: usage(supervisor),
  };
}

/** Milliseconds of processor time between two looks, by process. */
export const cpuBetween = (before: Record<string, Usage>, after: Record<string, Usage>): Record<string, number> =>
  Object.fromEntries(Object.entries(after).map(([name, { cpuMs }]) => [name, cpuMs - (before[name]?.cpuMs ?? 0)]));

const usage = (pid: number): Usage => ({
  cpuMs: cpuMs(statOf(pid), [userField, systemField]),
  memoryMb: memoryMb(pid),
  peakMb: rounded(kib(`/proc/${pid}/status`, "VmHWM") / kibAMb),
});

/** The process, the children that live, and those it has buried. */
function usageOfGroup(pid: number): Usage {
  const children = childrenOf(pid);
  const own = cpuMs(statOf(pid), [userField, systemField, userOfChildrenField, systemOfChildrenField]);
  return {
    cpuMs: children.reduce((sum, child) => sum + cpuMs(statOf(child), [userField, systemField]), own),
    memoryMb: rounded(children.reduce((sum, child) => sum + memoryMb(child), memoryMb(pid))),
    peakMb: 0,
  };
}

const cpuMs = (stat: readonly string[], fields: readonly number[]): number =>
  (fields.reduce((sum, field) => sum + Number(stat[field] ?? 0), 0) * 1_000) / ticksASecond;

/** Empty for a process that has just gone. */
function statOf(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

const childrenOf = (pid: number): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => statOf(candidate)[parentField] === String(pid));

const memoryMb = (pid: number): number => rounded(kib(`/proc/${pid}/smaps_rollup`, "Pss") / kibAMb);

const kib = (path: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(read(path))?.[1] ?? 0);

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // gone, or not ours to read: it counts as nothing
  }
}

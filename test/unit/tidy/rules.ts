/** The house rules that a machine can check: who may import whom, and what may be called where. */
import type { SourceFile } from "./tree.ts";

/** A part of the tree, and the parts (or single files) that it may import beside itself. */
export interface Part {
  readonly path: string;
  readonly may: readonly string[];
}

const core = ["schema/", "functions/domain/", "functions/telemetry/"];
const contracts = [
  "functions/store/store.ts",
  "functions/store/directory.ts",
  "functions/store/live-store.ts",
  "functions/store/cursor.ts",
  "functions/broker/broker.ts",
  "functions/alarm.ts",
  "functions/lane.ts",
  "functions/within.ts",
];

/** The first part whose path begins a file's name decides. */
export const parts: readonly Part[] = [
  { path: "schema/", may: [] },
  { path: "functions/domain/", may: ["schema/"] },
  { path: "functions/telemetry/", may: ["schema/", "functions/domain/"] },
  {
    path: "functions/store/store.ts",
    may: [...core, "functions/store/directory.ts", "functions/store/live-store.ts"],
  },
  { path: "functions/store/directory.ts", may: [...core, "functions/store/store.ts"] },
  { path: "functions/store/", may: core },
  { path: "functions/broker/", may: [...core, "functions/within.ts"] },
  { path: "functions/alarm.ts", may: [] },
  { path: "functions/lane.ts", may: [] },
  { path: "functions/within.ts", may: [] },
  { path: "functions/coordinator/", may: [...core, ...contracts] },
  { path: "functions/scheduler/", may: [...core, ...contracts] },
  {
    path: "functions/api/",
    may: [...core, "functions/store/store.ts", "functions/store/directory.ts", "functions/coordinator/gateway.ts"],
  },
  {
    path: "functions/rpc/",
    may: [
      ...core,
      "functions/coordinator/gateway.ts",
      "functions/coordinator/session.ts",
      "functions/scheduler/pool.ts",
    ],
  },
  { path: "functions/cron/", may: [...core, "functions/store/retention-store.ts"] },
  { path: "functions/docs/", may: [] },
  { path: "functions/env.ts", may: ["schema/", "functions/rpc/objects.ts", "functions/jwt-bindings.ts"] },
  { path: "functions/jwt-bindings.ts", may: ["schema/"] },
  { path: "functions/compose.ts", may: ["schema/", "functions/", "package.json"] },
  {
    path: "functions/index.ts",
    may: [
      "functions/compose.ts",
      "functions/env.ts",
      "functions/coordinator/customer-coordinator.ts",
      "functions/scheduler/pool-scheduler.ts",
    ],
  },
  { path: "worker-agent/", may: ["schema/", "package.json"] },
  { path: "infra/", may: ["schema/", "package.json"] },
  { path: "test/", may: ["schema/", "functions/", "worker-agent/", "infra/", "package.json"] },
];

export function importProblems(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ file, imports }) => {
    const part = parts.find(({ path }) => file.startsWith(path));
    if (part === undefined) return [`${file} belongs to no part`];
    const allowed = [part.path, ...part.may];
    return imports
      .filter((target) => !allowed.some((path) => target.startsWith(path)))
      .map((target) => `${file} may not import ${target}`);
  });
}

export interface Ban {
  readonly what: RegExp;
  readonly why: string;
  readonly where: (file: string) => boolean;
}

const rims = [
  "functions/compose.ts",
  "functions/env.ts",
  "schema/ids.ts",
  "schema/api-key.ts",
  "schema/migrate.ts",
  "worker-agent/main.ts",
  "worker-agent/config.ts",
  "worker-agent/clock.ts",
  "worker-agent/log.ts",
];
const isProduct = (file: string) => /^(schema|functions|worker-agent)\//.test(file);
const isInside = (file: string) => isProduct(file) && !rims.includes(file);
const isProgram = (file: string) => /^(functions|worker-agent)\//.test(file);
const database = "functions/store/postgres/database.ts";
const isTest = (file: string) => file.startsWith("test/") && file.endsWith(".test.ts");

export const bans: readonly Ban[] = [
  { what: /\bDate\.now\(|\bperformance\.now\(|\bnew Date\(\)/, why: "time is an argument", where: isInside },
  { what: /\bMath\.random\(|\brandomUUID\(/, why: "randomness is an argument", where: isInside },
  { what: /\bprocess\.env\b/, why: "the environment is read at the rim", where: isInside },
  { what: /Error\(\s*["'`]Failed to/, why: "an expected refusal is data; else say what was tried", where: isProduct },
  { what: /\bcatch\s*(\([^)]*\))?\s*\{\s*\}/, why: "an empty catch hides what went wrong", where: () => true },
  { what: /\.catch\(\(\)\s*=>\s*\{\s*\}\)/, why: "an empty catch hides what went wrong", where: () => true },
  {
    what: /\bneon\(|\bdrizzle\(|niyanta\.customer_id|niyanta_(operator|api)\b|\bset_config\b|\bset\s+(local\s+)?role\b/i,
    why: `only ${database} says for whom a request is`,
    where: (file) => isProgram(file) && file !== database,
  },
  {
    what: /setTimeout\(\s*(resolve|done|r)\b|\bsleep\(\d/,
    why: "a test waits on events, never on time",
    where: isTest,
  },
  { what: /\b(it|test|describe)\.(only|skip|todo)\b/, why: "every test runs", where: isTest },
];

export const banProblems = (files: readonly SourceFile[], rules: readonly Ban[] = bans): string[] =>
  files.flatMap(({ file, text }) =>
    rules
      .filter(({ what, where }) => where(file) && what.test(text))
      .map(({ why, what }) => `${file}: ${why} (${what})`),
  );

const forbiddenNames = /(^|\/)(utils?|helpers?|common|types|services?|managers?|index)(\.ts|\/)/;

/** Folders are roles, files are nouns; `functions/index.ts` is what the runtime looks for. */
export const nameProblems = (files: readonly SourceFile[]): string[] =>
  files
    .map(({ file }) => file)
    .filter((file) => forbiddenNames.test(file) && file !== "functions/index.ts")
    .map((file) => `${file}: the name says nothing about what is in it`);

/** Every file opens with a sentence on what it owns. */
export const openingProblems = (files: readonly { file: string; opening: string }[]): string[] =>
  files.filter(({ opening }) => !opening.startsWith("/**")).map(({ file }) => `${file}: no opening sentence`);

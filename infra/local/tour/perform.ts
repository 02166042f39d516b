/** Makes the tour on a stack: types every command in order, and keeps what each one got. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryRoot } from "../data-folder.ts";
import { openShell, type Shell } from "./shell.ts";
import type { Outcome, PerformedSection, PerformedStep, Section, Step } from "./step.ts";

/** What a clone looks like to a command, with the data folder of the stack in it. */
const ofClone = ["node_modules", "schema", "package.json"];

/** `dataFolder`: of a stack that runs, with nothing done on it yet. */
export async function perform(sections: readonly Section[], dataFolder: string): Promise<PerformedSection[]> {
  const folder = mkdtempSync(join(tmpdir(), "niyanta-tour-"));
  try {
    return await performAll(sections, openShell(folder, makeHome(folder, dataFolder)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeHome(folder: string, dataFolder: string): string {
  const home = join(folder, "home");
  mkdirSync(home);
  for (const name of ofClone) symlinkSync(join(repositoryRoot, name), join(home, name));
  symlinkSync(dataFolder, join(home, ".niyanta"));
  return home;
}

async function performAll(sections: readonly Section[], shell: Shell): Promise<PerformedSection[]> {
  const performed: PerformedSection[] = [];
  for (const { title, steps } of sections) {
    const begunAt = Date.now();
    const done: PerformedStep[] = [];
    for (const step of steps) done.push({ ...step, outcome: await performStep(step, shell) });
    performed.push({ title, begunAt, steps: done });
  }
  return performed;
}

async function performStep(step: Step, shell: Shell): Promise<Outcome | null> {
  if (step.after !== undefined) await shell.until(step.after);
  if (step.run === undefined) return null;
  return shell.run(step.run);
}

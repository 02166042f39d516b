/** Builds the Worker exactly as a deploy does (wrangler's own bundler) and keeps builds by the hash of their sources. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";

/** Folders and files of a project that a build is made of. */
export const workerSources = [
  "functions",
  "schema",
  "client",
  "console",
  "wrangler.toml",
  "package.json",
  "package-lock.json",
];
const buildsKeptMax = 8;
const outputBytesMax = 16 * 1024 * 1024;
const run = promisify(execFile);

export interface WorkerModule {
  type: "ESModule" | "Text" | "Data" | "CompiledWasm";
  path: string;
  contents: string | Uint8Array<ArrayBuffer>;
}

const mainModule = "index.js";

/** The bundler puts all code into the main module: a script beside it is a text that the Worker serves. */
const moduleTypes: Record<string, WorkerModule["type"]> = {
  ".js": "Text",
  ".html": "Text",
  ".txt": "Text",
  ".sql": "Text",
  ".css": "Text",
  ".svg": "Text",
  ".wasm": "CompiledWasm",
  ".bin": "Data",
};

/** The folder of the build of the project's present sources: `modules/`, and `options.json` as wrangler.toml says. */
export async function buildWorker(project: string): Promise<string> {
  const cache = join(project, "node_modules", ".cache", "niyanta");
  const target = join(cache, `worker-${hashSources(project)}`);
  if (existsSync(target)) return target;
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, "draft-"));
  try {
    await Promise.all([bundle(project, join(draft, "modules")), readOptions(project, join(draft, "options.json"))]);
    publish(draft, target);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  dropOldBuilds(cache, target);
  return target;
}

async function bundle(project: string, output: string): Promise<void> {
  const wrangler = join(dirname(createRequire(import.meta.url).resolve("wrangler/package.json")), "bin", "wrangler.js");
  await runNode([wrangler, "deploy", "--dry-run", "--outdir", output], project, "building functions/index.ts");
}

async function readOptions(project: string, target: string): Promise<void> {
  const script = join(import.meta.dirname, "bundle-options.ts");
  writeFileSync(target, await runNode([script, join(project, "wrangler.toml")], project, "reading wrangler.toml"));
}

/** Answers what the program printed; its complaints are in the error. */
async function runNode(args: readonly string[], cwd: string, purpose: string): Promise<string> {
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", CI: "1", NO_COLOR: "1" };
  try {
    return (await run(process.execPath, [...args], { cwd, env, maxBuffer: outputBytesMax })).stdout;
  } catch (error) {
    const said =
      error instanceof Error && "stderr" in error ? stripVTControlCharacters(String(error.stderr)).trim() : "";
    throw new Error(`${purpose}\n${said}`, { cause: error });
  }
}

/** Two builds of the same sources at once are equal: the second one's rename fails, and that is fine. */
function publish(draft: string, target: string): void {
  try {
    renameSync(draft, target);
  } catch (error) {
    if (!existsSync(target)) throw new Error(`keeping the build ${target}`, { cause: error });
  }
}

function dropOldBuilds(cache: string, newest: string): void {
  const builds = readdirSync(cache).filter((name) => name.startsWith("worker-") && join(cache, name) !== newest);
  for (const name of builds.slice(0, Math.max(0, builds.length - buildsKeptMax))) {
    rmSync(join(cache, name), { recursive: true, force: true });
  }
}

function hashSources(project: string): string {
  const hash = createHash("sha256");
  for (const path of workerSources.flatMap((source) => listFiles(project, source))) {
    hash
      .update(path)
      .update("\0")
      .update(readFileSync(join(project, path)))
      .update("\0");
  }
  return hash.digest("hex").slice(0, 32);
}

function listFiles(project: string, source: string): string[] {
  const path = join(project, source);
  if (!existsSync(path)) return [];
  if (extname(source) !== "") return [source];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((file) => file.slice(project.length + 1)).sort();
}

/** The modules of a build, the main one first. */
export function readModules(build: string): WorkerModule[] {
  const folder = join(build, "modules");
  const names = readdirSync(folder).filter((name) => moduleTypes[extname(name)] !== undefined);
  const mainFirst = names.sort((a, b) => Number(b === mainModule) - Number(a === mainModule));
  return mainFirst.map((name) => readModule(folder, name));
}

function readModule(folder: string, name: string): WorkerModule {
  const type = name === mainModule ? "ESModule" : (moduleTypes[extname(name)] ?? "Data");
  const bytes = readFileSync(join(folder, name));
  const contents = type === "ESModule" || type === "Text" ? bytes.toString("utf8") : new Uint8Array(bytes);
  return { type, path: name, contents };
}

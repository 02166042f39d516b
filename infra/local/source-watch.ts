/** Tells when a source of the Worker changes; folder by folder, as editors replace files instead of writing into them. */
import { existsSync, type FSWatcher, readdirSync, statSync, watch } from "node:fs";
import { basename, join } from "node:path";
import { workerSources } from "./bundle.ts";

const settleMs = 150;

/** `changed` is called once for changes that come close together. */
export function watchSources(project: string, changed: () => void): void {
  const watched = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  const hear = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      follow(); // a new folder is watched from now on
      changed();
    }, settleMs);
  };
  const follow = () => {
    for (const [folder, watcher] of watched) if (!existsSync(folder)) forget(watched, folder, watcher);
    for (const folder of sourceFolders(project)) {
      if (!watched.has(folder)) watched.set(folder, watchFolder(folder, hear));
    }
    if (!watched.has(project)) watched.set(project, watchSingleFiles(project, hear));
  };
  follow();
}

function watchFolder(folder: string, hear: () => void): FSWatcher {
  // A folder that goes away is an error of its watcher; the next change forgets it.
  return watch(folder, hear).on("error", hear);
}

function watchSingleFiles(project: string, hear: () => void): FSWatcher {
  return watch(project, (_event, name) => name !== null && workerSources.includes(basename(name)) && hear());
}

function forget(watched: Map<string, FSWatcher>, folder: string, watcher: FSWatcher): void {
  watcher.close();
  watched.delete(folder);
}

function sourceFolders(project: string): string[] {
  const roots = workerSources.map((source) => join(project, source)).filter(isFolder);
  return roots.flatMap((root) => {
    const entries = readdirSync(root, { recursive: true, withFileTypes: true });
    const inner = entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
    return [root, ...inner];
  });
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

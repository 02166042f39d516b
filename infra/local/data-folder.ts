/** Where one stack keeps its things: every path under its data folder has its name here. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

export interface DataFolder {
  root: string;
  devFile: string;
  processFile: string;
  credentialsFile: string;
  commandsFile: string;
  natsConfig: string;
  logs: string;
  durableObjects: string;
  postgres: string;
}

export const repositoryRoot = resolve(import.meta.dirname, "../..");
export const defaultDataFolder = join(repositoryRoot, ".niyanta");

export function openDataFolder(root: string): DataFolder {
  const folder = describeDataFolder(root);
  mkdirSync(folder.logs, { recursive: true });
  return folder;
}

export function describeDataFolder(root: string): DataFolder {
  const at = (name: string) => join(root, name);
  return {
    root,
    devFile: at("dev.json"),
    processFile: at("processes.json"),
    credentialsFile: at("credentials.json"),
    commandsFile: at("commands.json"),
    natsConfig: at("nats.conf"),
    logs: at("logs"),
    durableObjects: at("durable-objects"),
    postgres: at("postgres"),
  };
}

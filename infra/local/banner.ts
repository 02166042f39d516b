/** What `npm run dev` says when all runs. */
import pc from "picocolors";
import type { DevFile } from "./dev-file.ts";

export function bannerOf(dev: DevFile, folder: string, detached: boolean): string {
  const line = (name: string, value: string) => `  ${pc.dim(name.padEnd(9))} ${value}`;
  const { agents } = dev.processes;
  return [
    "",
    `${pc.bold(pc.green("Niyanta is running"))} with ${agents.length} ${agents.length === 1 ? "agent" : "agents"}.`,
    "",
    line("API", pc.cyan(dev.api_url)),
    line("database", dev.database_url),
    line("broker", dev.nats_url),
    line("customer", dev.customer_id),
    line("key", dev.customer_key),
    line("more", `${folder}/dev.json, ${folder}/logs/`),
    "",
    "Try it:",
    "",
    `  curl -s ${dev.api_url}/v1/workloads -H 'Content-Type: application/json' \\`,
    `    -H 'Authorization: Bearer ${dev.customer_key}' \\`,
    `    -d '{"workload_type":"sleep","input_params":{"duration_ms":2000}}'`,
    "",
    pc.dim(detached ? "npm run stop ends it." : "Ctrl-C ends it."),
    "",
  ].join("\n");
}

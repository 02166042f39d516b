/** Reads a number off /metrics, summed over its labels; 0 when nothing was counted yet. */

import type { DevFile } from "../../infra/local/dev-file.ts";

type Metered = Pick<DevFile, "api_url" | "metrics_token">;

export async function metricOf({ api_url, metrics_token }: Metered, name: string): Promise<number> {
  const reply = await fetch(`${api_url}/metrics`, { headers: { authorization: `Bearer ${metrics_token}` } });
  if (!reply.ok) throw new Error(`GET /metrics was answered ${reply.status}`);
  const text = await reply.text();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

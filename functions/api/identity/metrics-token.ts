/** Whether a token opens the metrics; they may be open on purpose. */
import { apiKeyCacheSeconds } from "../../../schema/limits.ts";
import { sameSecret } from "../constant-time.ts";
import type { ApiDependencies } from "../context.ts";
import type { Failures } from "./failures.ts";
import { createGate, type Gate } from "./gate.ts";

type Parts = Pick<ApiDependencies, "clock" | "background" | "metrics">;

const entriesMax = 1_000;

/** Null: the metrics are open. Where there is no token, none opens them. */
export function createMetricsGate({ clock, background, metrics }: Parts, failures: Failures): Gate<true> | null {
  if (metrics.isPublic) return null;
  const { token: right } = metrics;
  const verify = async (token: string, now: number) => {
    const isIt = right !== null && (await sameSecret(token, right));
    return isIt ? { value: true as const, until: now + apiKeyCacheSeconds * 1_000 } : { value: null, until: now };
  };
  return createGate({ clock, background, failures, entriesMax, verify });
}

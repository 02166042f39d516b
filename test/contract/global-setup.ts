/** One Postgres with its gateway for all contract tests; each test owns its customers in it. */
import type { TestProject } from "vitest/node";
import { startTestPostgres } from "../support/postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** As its owner. */
    ownerUrl: string;
    /** As the control plane's role. */
    databaseUrl: string;
    fetchEndpoint: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startTestPostgres();
  project.provide("ownerUrl", server.ownerUrl);
  project.provide("databaseUrl", server.databaseUrl);
  project.provide("fetchEndpoint", server.fetchEndpoint);
  return () => server.stop();
}

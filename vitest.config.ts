/** The tests by what they need: nothing, a database, the Workers runtime, or the whole system. */
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const journeyMsMax = 120_000;
const contractMsMax = 30_000;

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      {
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
          globalSetup: ["test/contract/global-setup.ts"],
          testTimeout: contractMsMax,
          hookTimeout: contractMsMax,
        },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: inject<Record<string, string>>("workerdBindings") },
          })),
        ],
        test: {
          name: "workerd",
          include: ["test/workerd/**/*.test.ts"],
          globalSetup: ["test/support/workerd-parts.ts"],
          testTimeout: contractMsMax,
          hookTimeout: contractMsMax,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "journey",
          include: ["test/journey/**/*.test.ts"],
          testTimeout: journeyMsMax,
          hookTimeout: journeyMsMax,
          fileParallelism: false,
          // A group of its own: short leases on a machine that has nothing else to do.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

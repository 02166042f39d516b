/** The tour of the API is what it says: the same commands get the same statuses, and replies of the same shape. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { startStack } from "../../infra/local/stack.ts";
import { makeTour, tourStack } from "../../infra/local/tour/tour.ts";
import { skeletonOf } from "../support/page-skeleton.ts";

test("docs/API.md shows what every command of it gets", async () => {
  await using stack = await startStack(tourStack);
  const made = await makeTour(stack.dataFolder);
  expect(skeletonOf(made), "`npm run docs:api` makes the page again").toBe(
    skeletonOf(readFileSync("docs/API.md", "utf8")),
  );
});

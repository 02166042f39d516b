/** `npm run docs:api`: makes the tour of the API on a stack of its own, and writes docs/API.md. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./data-folder.ts";
import { startStack } from "./stack.ts";
import { makeTour, tourStack } from "./tour/tour.ts";

await using stack = await startStack(tourStack);
writeFileSync(join(repositoryRoot, "docs/API.md"), await makeTour(stack.dataFolder));

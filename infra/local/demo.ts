/** `npm run demo`: a worker is killed in the middle of its work, and the work goes on elsewhere. */
import { runDemoCommand } from "./demo/command.ts";

await runDemoCommand(process.argv);

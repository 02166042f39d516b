/** `npm run dev`: the whole system with one command, until Ctrl-C. */
import { runDevCommand } from "./dev-command.ts";

await runDevCommand("miniflare");

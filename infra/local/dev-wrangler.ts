/** `npm run dev:wrangler`: the same as `npm run dev`, with `wrangler dev` as the host of the control plane. */
import { runDevCommand } from "./dev-command.ts";

await runDevCommand("wrangler");

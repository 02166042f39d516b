/** Prints what a wrangler.toml means for Miniflare; a program of its own, as loading wrangler takes a second. */
import { unstable_getMiniflareWorkerOptions } from "wrangler";

const [, , configPath = "wrangler.toml"] = process.argv;
// The rules that sort files into module types are the bundler's, which has applied them.
const { modulesRules: _, ...options } = unstable_getMiniflareWorkerOptions(configPath).workerOptions;
process.stdout.write(JSON.stringify(options));

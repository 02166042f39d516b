/** The tour of the API: its sections in order, the stack that it is made on, and the page that comes of it. */
import type { StackOptions } from "../stack-options.ts";
import { pageOf } from "./page.ts";
import { perform } from "./perform.ts";
import { adminCustomers, fleet } from "./sections/admin.ts";
import { errors, rateLimit } from "./sections/errors.ts";
import { keys } from "./sections/keys.ts";
import { batches, lifecycle } from "./sections/lifecycle.ts";
import { agents, machines } from "./sections/machines.ts";
import { explain, live, records } from "./sections/records.ts";
import { customer, start, workloadTypes } from "./sections/start.ts";
import { reading, submitting } from "./sections/workloads.ts";

/** As `npm run dev` starts it. */
export const tourStack: Partial<StackOptions> = { agents: 2 };

const sections = [
  ...[start, customer, workloadTypes, submitting, reading, explain, live, lifecycle, records, batches],
  ...[keys, rateLimit, errors, adminCustomers, fleet, agents, machines],
];

const head = `# The API by example

Every command here was typed by \`npm run docs:api\`, and every reply is what it got, indented for reading and with short
names: \`wl_…a1\` stands for an id of 26 characters, \`…\` for the rest of a secret or a cursor, and times count from one
morning. A test makes the tour again and compares it with this page. The reference is \`$API/docs\` of a running stack, or
\`$API/openapi.json\`; what each error means is in [ERRORS.md](ERRORS.md), keys and isolation in [SECURITY.md](SECURITY.md).`;

/** `dataFolder`: of a stack that runs, with nothing done on it yet. */
export const makeTour = async (dataFolder: string): Promise<string> =>
  pageOf(head, await perform(sections, dataFolder));

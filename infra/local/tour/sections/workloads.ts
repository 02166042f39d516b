/** Workloads submitted, found and read. */
import { body, keeping, once, type Section } from "../step.ts";

const submit = 'curl -s $API/v1/workloads -H "$AUTH"';
const order = '{"workload_type":"sleep","input_params":{"duration_ms":1000},"labels":{"team":"reports"}}';
const named = '-H "Idempotency-Key: order-42"';

export const submitting: Section = {
  title: "Submit",
  steps: [
    {
      say: `202 says that it is stored, and will not be lost. With an \`Idempotency-Key\` a request whose answer was lost can be
sent again. \`priority\` (0 to 1,000), \`run_at\`, \`timeout_seconds\`, \`pool\` and \`affinity_rules\` are optional.`,
      run: keeping(`${submit} ${named} ${body(order)}`, "ORDER", "workload_id"),
    },
    {
      say: "The same request under the same key, within 24 hours: the same workload, not a second one.",
      run: `${submit} ${named} ${body(order)}`,
    },
    {
      say: "Another request under that key is a mistake, and is told so.",
      run: `${submit} ${named} ${body('{"workload_type":"noop"}')}`,
    },
    {
      say: `Up to 1,000 at once, all or none, answered in order. The depth of the queue bounds what is admitted: submissions,
resumes, retries. What was admitted and comes back (moved, failed and tried again, its worker lost) keeps its right to a
place, so as many as the depth and the cap of running workloads together may wait.`,
      run: `curl -s $API/v1/workloads/batch -H "$AUTH" ${body(
        `{"workloads":[
  {"workload_type":"noop","labels":{"run":"7"}},
  {"workload_type":"noop","labels":{"run":"7"}},
  {"workload_type":"noop","labels":{"run":"7"}}]}`,
      )}`,
    },
  ],
};

const ofRun = (rest: string) => `curl -s "$API/v1/workloads?label=run:7&status=COMPLETED&limit=1${rest}" -H "$AUTH"`;

export const reading: Section = {
  title: "Find and read",
  steps: [
    {
      say: "One workload, a second later:",
      after: once("ORDER", "COMPLETED"),
      run: 'curl -s $API/v1/workloads/$ORDER -H "$AUTH"',
    },
    {
      say: `The list, newest first. Filters: \`status\`, \`workload_type\`, \`label\` (\`name:value\` or \`name\`, repeated: all must
hold), \`created_after\`, \`created_before\`; \`order_by=priority\`; \`count=true\` for the total.`,
      after: `${ofRun("&count=true")} | grep -q '"total":3'`,
      run: `${keeping(ofRun("&count=true"), "CURSOR", "pagination.next_cursor")}`,
    },
    {
      say: "The next page begins after the last one's cursor, whatever was submitted meanwhile. `offset` works too, up to 100,000.",
      run: `${ofRun("&cursor=$CURSOR")} -o .niyanta/reply.json\nnode -p 'JSON.stringify(require("./.niyanta/reply.json").pagination)'`,
    },
  ],
};

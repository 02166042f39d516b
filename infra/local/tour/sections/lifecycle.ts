/** What can be done to a workload that is there, and to many at once. */
import { body, keeping, once, type Section } from "../step.ts";

const act = (what: string, id: string, rest = "") =>
  `curl -s -X POST $API/v1/workloads/${id}/${what} -H "$AUTH"${rest}`;
const many = (what: string, rest: string) => `curl -s $API/v1/workloads/batch/${what} -H "$AUTH" ${body(rest)}`;

export const lifecycle: Section = {
  title: "Cancel, pause, resume, move, retry",
  steps: [
    {
      say: "A job of ten minutes. All of these take an `Idempotency-Key` too.",
      run: keeping(
        `curl -s $API/v1/workloads -H "$AUTH" ${body('{"workload_type":"sleep","input_params":{"duration_ms":600000}}')}`,
        "JOB",
        "workload_id",
      ),
    },
    {
      say: `Pausing what runs: its worker saves a checkpoint and lets go of it. This waits up to 5 s for that; 202 with
\`pending_action\` says that it goes on. \`checkpoint_sequence\` is what it will go on from.`,
      after: once("JOB", "RUNNING"),
      run: act("pause", "$JOB", ` ${body('{"reason":"maintenance"}')}`),
    },
    { say: "It waits again, and goes on from there.", run: act("resume", "$JOB") },
    {
      say: "Running once more, it is cancelled. Cancelling it again would change nothing and answer the same.",
      after: once("JOB", "RUNNING"),
      run: act("cancel", "$JOB", ` ${body('{"reason":"no longer needed"}')}`),
    },
    {
      say: "A new workload in its place (`retry_of` names the old one, which stays as it is), from its last checkpoint:",
      run: keeping(act("retry", "$JOB", ` ${body('{"from_checkpoint":true}')}`), "AGAIN", "workload_id"),
    },
    {
      say: `Pause, another pool or other affinity rules, resume, in one. Workers with the tag are preferred here, none is excluded.
\`pending_action\` is \`move\` until its worker has let go.`,
      after: once("AGAIN", "RUNNING"),
      run: act("move", "$AGAIN", ` ${body('{"affinity_rules":{"soft_affinity":{"worker_tags":{"region":"north"}}}}')}`),
    },
  ],
};

export const batches: Section = {
  title: "Many at once",
  steps: [
    {
      say: "Three that wait until tomorrow, for the example:",
      run: `TOMORROW=$(node -p 'new Date(Date.now() + 86400000).toISOString()')
ONE='{"workload_type":"noop","run_at":"'$TOMORROW'","labels":{"import":"9"}}'
curl -s -o .niyanta/reply.json $API/v1/workloads/batch -H "$AUTH" -H "$JSON" -d "{\\"workloads\\":[$ONE,$ONE,$ONE]}"`,
    },
    {
      say: `By a filter (\`status\`, \`workload_type\`, \`label\`, \`created_after\`, \`created_before\`) or by \`ids\`. At most 1,000 a
request; \`has_more\` says that more match. \`pause\`, \`resume\` and \`retry\` work the same way; of a retry the inputs
are 8 MiB together at most, what is beyond that is for the next request.`,
      run: many("cancel", '{"filter":{"label":["import:9"]},"reason":"withdrawn"}'),
    },
    {
      say: "What became of each stands beside its id; one that is refused does not stop the others.",
      run: many("cancel", `{"ids":["'$AGAIN'","'$ORDER'"]}`),
    },
    {
      say: "What became of all of them: by `type`, `day` or `hour`, `from` and `to` a date or a time.",
      run: 'curl -s "$API/v1/customer/stats?by=type" -H "$AUTH"',
    },
  ],
};

/** Limits, and what a refusal looks like. */
import { body, keeping, type Section } from "../step.ts";

const submit = 'curl -s $API/v1/workloads -H "$AUTH"';

export const rateLimit: Section = {
  title: "Rate limits",
  steps: [
    {
      say: `A customer of the tier \`free\` may submit one workload a second, five at once. The operator makes one, and its first key.`,
      run: keeping(
        `curl -s $API/v1/admin/customers -H "Authorization: Bearer $ADMIN" ${body('{"name":"Small Ltd","tier":"free"}')}`,
        "SMALL",
        "customer_id",
      ),
    },
    {
      say: "Scopes of a first key are the operator's to choose.",
      run: keeping(
        `curl -s $API/v1/admin/customers/$SMALL/api-keys -H "Authorization: Bearer $ADMIN" ${body(
          '{"name":"first","scopes":["workloads:read","workloads:write","configs:write"]}',
        )}`,
        "SMALL_KEY",
        "api_key",
      ),
    },
    {
      say: "With a type of its own it submits five, which takes all five tokens: a batch costs one a workload. Of six it would never be taken.",
      run: `SMALL_AUTH="Authorization: Bearer $SMALL_KEY"
ONE='{"workload_type":"noop"}'
FIVE="{\\"workloads\\":[$ONE,$ONE,$ONE,$ONE,$ONE]}"
curl -s -o .niyanta/reply.json $API/v1/workload-configs -H "$SMALL_AUTH" ${body('{"workload_type":"noop"}')}
curl -si $API/v1/workloads/batch -H "$SMALL_AUTH" -H "$JSON" -d "$FIVE" | grep -iE '^(HTTP|X-RateLimit)'`,
    },
    {
      say: `Five more have to wait. \`Retry-After\` says how many seconds; \`X-RateLimit-Limit\`, \`-Remaining\` and \`-Reset\` are on every
reply to a customer. Reads have a bucket of their own, 20 times as large.`,
      run: `curl -si $API/v1/workloads/batch -H "$SMALL_AUTH" -H "$JSON" -d "$FIVE" | grep -iE '^(X-RateLimit|Retry-After)'`,
    },
  ],
};

export const errors: Section = {
  title: "Errors",
  steps: [
    {
      say: "Every error has this body; `details.issues` names the first 20 fields that are wrong. 400:",
      run: `${submit} ${body('{"workload_type":"noop","priority":5000,"status":"COMPLETED"}')}`,
    },
    { say: "No token, or a wrong one of any kind:", run: "curl -s $API/v1/workloads" },
    {
      say: "Unknown, somebody else's, or no id at all: the same answer.",
      run: 'curl -s $API/v1/workloads/wl_00000000000000000000000000 -H "$AUTH"',
    },
    {
      say: "The header `Allow` says what the path knows.",
      run: `curl -si -X DELETE $API/v1/workloads/$JOB -H "$AUTH" | grep -iE '^Allow|error'`,
    },
    { say: "Not in this status:", run: 'curl -s -X POST $API/v1/workloads/$JOB/resume -H "$AUTH"' },
    {
      say: "A name that is taken:",
      run: `curl -s $API/v1/workload-configs -H "$AUTH" ${body('{"workload_type":"noop"}')}`,
    },
    {
      say: "More than 1 MiB:",
      run: `head -c 1100000 /dev/zero | tr '\\0' ' ' | curl -s $API/v1/workloads -H "$AUTH" -H "$JSON" --data-binary @-`,
    },
    { say: "Not declared as JSON:", run: `${submit} -d 'workload_type=noop'` },
  ],
};

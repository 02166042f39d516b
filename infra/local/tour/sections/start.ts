/** The tour begins: a stack, a customer, and the kinds of work that it has. */
import { body, keeping, type Section } from "../step.ts";

export const start: Section = {
  title: "Start",
  steps: [
    {
      say: `\`npm run dev -- --detach\` starts everything on this machine; \`.niyanta/dev.json\` says where it is. In bash, from the
top of the clone:`,
      run: `API=$(node -p 'require("./.niyanta/dev.json").api_url')
KEY=$(node -p 'require("./.niyanta/dev.json").customer_key')
ADMIN=$(node -p 'require("./.niyanta/dev.json").admin_key')
AUTH="Authorization: Bearer $KEY"
JSON="Content-Type: application/json"
take() { node -p "require('./.niyanta/reply.json').$1"; }`,
    },
    {
      say: "`take` reads a field of the last reply that was kept. Is everything there?",
      run: "curl -s $API/ready",
    },
  ],
};

export const customer: Section = {
  title: "Customer",
  steps: [
    {
      say: `Whose key is this, what may it use, and what does it use now? This customer has limits of its own (\`overrides\`), and
no limit of the rate.`,
      run: 'curl -s $API/v1/customer -H "$AUTH"',
    },
  ],
};

export const workloadTypes: Section = {
  title: "Workload types",
  steps: [
    {
      say: `A workload type names a kind of work, with its retries, time-out and checkpoint policy. Which workers can run it is
theirs to say; of this one there is none yet.`,
      run: keeping(
        `curl -s $API/v1/workload-configs -H "$AUTH" ${body(
          '{"workload_type":"report.render","description":"Renders a report","max_retries":5,"timeout_seconds":3600}',
        )}`,
        "TYPE",
        "config_id",
      ),
    },
    {
      say: `PUT replaces all of it but the name: what is not named gets its default. Workloads keep the retries, the time-out and
the checkpoint policy that they were submitted under; \`config_json\` is read again for each attempt.`,
      run: `curl -s -X PUT $API/v1/workload-configs/$TYPE -H "$AUTH" ${body(
        '{"workload_type":"report.render","description":"Renders a report","max_retries":2}',
      )}`,
    },
    {
      say: `Lists have a \`limit\` (50, at most 100) and a cursor. The local stack comes with \`noop\`, \`sleep\`, \`text.wordcount\`
and \`shell\`. \`GET\` and \`DELETE /v1/workload-configs/{id}\` are there too; a type that has workloads stays (409).`,
      run: 'curl -s "$API/v1/workload-configs?limit=1" -H "$AUTH"',
    },
  ],
};

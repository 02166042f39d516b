/** What the operator does: customers and their terms, workers. */
import { answered, body, keeping, type Section } from "../step.ts";

const operator = '-H "Authorization: Bearer $ADMIN"';
const put = (text: string) => `curl -s -X PUT $API/v1/admin/customers/$SMALL ${operator} ${body(text)}`;

export const adminCustomers: Section = {
  title: "Operator: customers",
  steps: [
    {
      say: "The admin key belongs to no customer, and opens `/v1/admin` only. Another tier, and one limit of its own:",
      run: put('{"tier":"standard","overrides":{"running_max":150}}'),
    },
    { say: "Suspended: nothing new of it starts, what runs goes on.", run: put('{"suspended":true}') },
    {
      say: "Within five seconds it is refused everywhere.",
      after: answered("$SMALL_KEY", "is suspended"),
      run: 'curl -s $API/v1/customer -H "$SMALL_AUTH"',
    },
    { say: "And on again:", run: put('{"suspended":false}') },
    {
      say: `\`GET /v1/admin/customers/{id}\` shows its use too, \`GET\` and \`DELETE …/api-keys\` its keys. All customers, newest first;
\`tier\` and \`suspended\` filter:`,
      run: `curl -s "$API/v1/admin/customers?limit=1" ${operator}`,
    },
  ],
};

export const fleet: Section = {
  title: "Operator: workers",
  steps: [
    {
      say: "Workers of all pools, with what each runs; `pool` and `status` filter.",
      run: keeping(
        `curl -s "$API/v1/admin/workers?status=HEALTHY&limit=1" ${operator}`,
        "WORKER",
        "workers[0].worker_id",
      ),
    },
    {
      say: `Drained, it gets nothing new from this moment on, hands back what it runs with a checkpoint, and leaves. (The local stack
then starts another in its place.)`,
      run: `curl -s -X POST $API/v1/admin/workers/$WORKER/drain ${operator}`,
    },
    {
      say: `Removed for good: what it still had goes elsewhere at once, and it may not come back under this id. Removing it again
changes nothing.`,
      run: `curl -s -X DELETE $API/v1/admin/workers/$WORKER ${operator}`,
    },
  ],
};

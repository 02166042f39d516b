/** What programs ask: agents that enrol, and whoever watches or describes the system. */
import type { Section } from "../step.ts";

export const agents: Section = {
  title: "Agents",
  steps: [
    {
      say: `An agent shows the token of its pool and the public half of a key that it made, and gets credentials for the broker: a NATS
user JWT for its own subjects, for an hour. The local stack's token is made from \`.niyanta/credentials.json\`; how a real one
is made stands in [SECURITY.md](SECURITY.md#pool-tokens).`,
      run: `POOL_TOKEN=$(npx node --input-type=module <<'END'
import { readFileSync } from "node:fs";
import { formatPoolToken } from "./schema/pool-token.ts";
const { agentSecret } = JSON.parse(readFileSync(".niyanta/credentials.json", "utf8"));
console.log(await formatPoolToken("default", Buffer.from(agentSecret, "hex")));
END
)
PUBLIC=$(npx node --input-type=module -e '
import { createUser } from "@nats-io/nkeys"; console.log(createUser().getPublicKey());')
curl -s $API/v1/agents/enroll -H "Authorization: Bearer $POOL_TOKEN" -H "$JSON" \\
  -d '{"pool":"default","worker_id":"wkr_01kaw2r9d4f6g8h0j2k4m6n8pq","public_key":"'$PUBLIC'"}'`,
    },
    {
      say: "When nobody listens on the broker, an agent that waits for an answer wakes the coordinator of its pool:",
      run: `curl -s $API/v1/agents/wake -H "Authorization: Bearer $POOL_TOKEN" -H "$JSON" -d '{"pool":"default"}'`,
    },
  ],
};

export const machines: Section = {
  title: "Health, metrics, OpenAPI",
  steps: [
    { say: "Liveness asks nobody else; `/ready` stands at the beginning.", run: "curl -s $API/health" },
    {
      say: "Prometheus text, for who shows `METRICS_TOKEN`; the local stack has made one. It names customers.",
      run: `METRICS_TOKEN=$(node -p 'require("./.niyanta/dev.json").metrics_token')
curl -s $API/metrics -H "Authorization: Bearer $METRICS_TOKEN" | grep '^niyanta_worker_pool_size'`,
    },
    {
      say: "OpenAPI 3.1, made from the schemas that the routes check with; `/docs` shows it, and works without the internet.",
      run: "curl -s $API/openapi.json -o .niyanta/reply.json\ntake openapi",
    },
  ],
};

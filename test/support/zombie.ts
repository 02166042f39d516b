/** Says on the broker what a worker of the past would say, so that it is certain to arrive. */
import { createUser } from "@nats-io/nkeys";
import { connect, jwtAuthenticator, type NatsConnection } from "nats.ws";
import { poolTokenOf, readCredentials } from "../../infra/local/credentials.ts";
import { describeDataFolder } from "../../infra/local/data-folder.ts";
import type { Stack } from "../../infra/local/stack.ts";
import { enrolledSchema } from "../../schema/http/agents.ts";
import type { CustomerId, WorkerId } from "../../schema/ids.ts";
import { createIdSource, secureRandom } from "../../schema/ids.ts";
import { decodeMessage, encodeMessage, protocolVersion } from "../../schema/messages/envelope.ts";
import { eventsSubject } from "../../schema/messages/subjects.ts";
import { coordinatorReplySchema } from "../../schema/messages/to-coordinator.ts";
import type { Outcome, WorkerEvent } from "../../schema/messages/worker-events.ts";

const ids = createIdSource(Date.now, secureRandom);
const answerMsMax = 20_000;
const pool = "default";

/** What the coordinator answers to each event. */
export async function sayAs(
  stack: Stack,
  worker_id: WorkerId,
  customer_id: CustomerId,
  events: readonly WorkerEvent[],
): Promise<Outcome[]> {
  const connection = await enlist(stack, worker_id);
  try {
    const bytes = encodeMessage({
      message_id: ids.message(),
      type: "worker.events",
      version: protocolVersion,
      timestamp: new Date().toISOString(),
      sender_id: worker_id,
      sender_type: "worker",
      payload: { worker_id, customer_id, events: [...events] },
    });
    const reply = await connection.request(eventsSubject(pool, worker_id), bytes, { timeout: answerMsMax });
    const decoded = decodeMessage(reply.data, coordinatorReplySchema);
    if (!decoded.ok) throw new Error(decoded.problem);
    if (decoded.message.type !== "events.outcome") throw new Error(`answered ${JSON.stringify(decoded.message)}`);
    return decoded.message.payload.outcomes.map(({ outcome }) => outcome);
  } finally {
    await connection.close();
  }
}

/** In the way of every worker: with the token of the pool, and a key of its own. */
async function enlist({ dev, dataFolder }: Stack, worker_id: WorkerId): Promise<NatsConnection> {
  const credentials = await readCredentials(describeDataFolder(dataFolder).credentialsFile);
  if (credentials === null) throw new Error("this stack has no credentials");
  const key = createUser();
  const reply = await fetch(`${dev.api_url}/v1/agents/enroll`, {
    method: "POST",
    headers: { authorization: `Bearer ${await poolTokenOf(credentials, pool)}`, "content-type": "application/json" },
    body: JSON.stringify({ pool, worker_id, public_key: key.getPublicKey() }),
  });
  const { nats_url, credentials: jwt, inbox_prefix } = enrolledSchema.parse(await reply.json());
  return connect({ servers: nats_url, authenticator: jwtAuthenticator(jwt, key.getSeed()), inboxPrefix: inbox_prefix });
}

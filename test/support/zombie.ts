/** Says on the broker what a worker would say that is none: one of the past, or one that only registers. */
import { createUser } from "@nats-io/nkeys";
import { connect, jwtAuthenticator, type NatsConnection } from "nats.ws";
import { poolTokenOf, readCredentials } from "../../infra/local/credentials.ts";
import { describeDataFolder } from "../../infra/local/data-folder.ts";
import type { Stack } from "../../infra/local/stack.ts";
import { enrolledSchema } from "../../schema/http/agents.ts";
import type { CustomerId, WorkerId } from "../../schema/ids.ts";
import { createIdSource, secureRandom } from "../../schema/ids.ts";
import { eventsSubject } from "../../schema/messages/subjects.ts";
import type { Outcome, WorkerEvent } from "../../schema/messages/worker-events.ts";
import { sayAsWorker } from "./broker-client.ts";

const ids = createIdSource(Date.now, secureRandom);
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
    const message = { type: "worker.events" as const, payload: { worker_id, customer_id, events: [...events] } };
    const reply = await sayAsWorker(connection, eventsSubject(pool, worker_id), message);
    if (reply.type !== "events.outcome") throw new Error(`answered ${JSON.stringify(reply)}`);
    return reply.payload.outcomes.map(({ outcome }) => outcome);
  } finally {
    await connection.close();
  }
}

/** A worker that serves a type that nobody asks for: it registers, and is never heard of again. */
export async function registerIdle(stack: Stack, token: string): Promise<WorkerId> {
  const worker_id = ids.worker();
  const connection = await enlist(stack, worker_id, token);
  const payload = {
    ...{ worker_id, pool, capabilities: ["nobody.asks"], slots: 1, tags: {}, version: "1.0.0" },
    ...{ draining: false, held: [] },
  };
  await sayAsWorker(connection, eventsSubject(pool, worker_id), { type: "worker.register", payload });
  await connection.close();
  return worker_id;
}

async function ownToken({ dataFolder }: Stack): Promise<string> {
  const credentials = await readCredentials(describeDataFolder(dataFolder).credentialsFile);
  if (credentials === null) throw new Error("this stack has no credentials");
  return poolTokenOf(credentials, pool);
}

/** In the way of every worker: with the token of the pool, and a key of its own. */
async function enlist(stack: Stack, worker_id: WorkerId, given?: string): Promise<NatsConnection> {
  const token = given ?? (await ownToken(stack));
  const key = createUser();
  const reply = await fetch(`${stack.dev.api_url}/v1/agents/enroll`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ pool, worker_id, public_key: key.getPublicKey() }),
  });
  const { nats_url, credentials: jwt, inbox_prefix } = enrolledSchema.parse(await reply.json());
  return connect({ servers: nats_url, authenticator: jwtAuthenticator(jwt, key.getSeed()), inboxPrefix: inbox_prefix });
}

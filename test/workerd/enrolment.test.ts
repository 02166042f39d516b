/** Enrolling a worker in the real runtime: what it gets there opens the broker, as the worker that it is. */

import { env } from "cloudflare:workers";
import { createUser } from "@nats-io/nkeys";
import { connect, jwtAuthenticator, type Msg } from "nats.ws";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import worker from "../../functions/index.ts";
import { enrolledSchema } from "../../schema/http/agents.ts";
import { createIdSource, secureRandom } from "../../schema/ids.ts";
import { broadcastSubject } from "../../schema/messages/subjects.ts";
import { Occurrences } from "../support/occurrences.ts";
import * as world from "./world.ts";

const { TEST_POOL_TOKEN: token } = z.looseObject({ TEST_POOL_TOKEN: z.string() }).parse(env);
const ids = createIdSource(Date.now, secureRandom);
const key = createUser();

afterEach(() => world.endObjects());

function enrol(pool: string, worker_id: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ pool, worker_id, public_key: key.getPublicKey() });
  return worker.fetch(new Request("https://api.test/v1/agents/enroll", { method: "POST", headers, body }), { ...env });
}

test("a worker hears its pool with the credentials that it was given", async () => {
  const reply = await enrol("pool-1", ids.worker());
  expect(reply.status).toBe(200);
  const { nats_url, credentials, inbox_prefix } = enrolledSchema.parse(await reply.json());
  const authenticator = jwtAuthenticator(credentials, key.getSeed());
  const connection = await connect({ servers: nats_url, authenticator, inboxPrefix: inbox_prefix });
  const heard = new Occurrences<string>();
  const callback = (_: Error | null, message: Msg) => heard.add(message.string());
  connection.subscribe(broadcastSubject("pool-1"), { callback });
  await connection.flush();
  await world.pool("pool-1").wake();
  expect(await heard.until(() => true)).toContain("roll_call");
  await connection.close();
});

test("a token opens no other pool than its own", async () => {
  expect((await enrol("pool-2", ids.worker())).status).toBe(401);
});

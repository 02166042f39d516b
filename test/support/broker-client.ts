/** Connections to a test's broker, each under credentials of its own: nobody gets in without. */
import { createUser, fromSeed } from "@nats-io/nkeys";
import { type ConnectionOptions, connect, jwtAuthenticator, type NatsConnection } from "nats.ws";
import { createMint, type Mint } from "../../functions/broker/credentials.ts";
import { encodeUserJwt } from "../../functions/broker/user-jwt.ts";
import type { WorkerId } from "../../schema/ids.ts";
import { messageBytesMax } from "../../schema/limits.ts";
import { decodeMessage, encodeMessage, protocolVersion } from "../../schema/messages/envelope.ts";
import { coordinatorInbox, workerInbox } from "../../schema/messages/subjects.ts";
import { coordinatorReplySchema } from "../../schema/messages/to-coordinator.ts";
import type { TestNats } from "./nats.ts";

type Broker = Pick<TestNats, "url" | "authority">;

const credentialSeconds = 3_600;
/** So that who asks in vain says so. */
const answerMsMax = 10_000;
const pool = "default";

/** Signs as the control plane of this broker does. */
export const mintOf = ({ authority }: Pick<TestNats, "authority">, workerSeconds = credentialSeconds): Mint =>
  createMint({
    accountSeed: authority.signingSeed,
    account: authority.account,
    workerSeconds,
    now: Date.now,
    jwtId: () => crypto.randomUUID(),
  });

export function connectAsCoordinator(nats: Broker, options: ConnectionOptions = {}): Promise<NatsConnection> {
  const { jwt, seed } = mintOf(nats).coordinator(pool);
  const authenticator = jwtAuthenticator(jwt, seed);
  return connect({ servers: nats.url, authenticator, inboxPrefix: coordinatorInbox(pool), ...options });
}

export function connectAsWorker(
  nats: Broker,
  workerId: WorkerId,
  options: ConnectionOptions = {},
): Promise<NatsConnection> {
  const key = createUser();
  const { jwt } = mintOf(nats).worker(pool, workerId, key.getPublicKey());
  const authenticator = jwtAuthenticator(jwt, key.getSeed());
  return connect({ servers: nats.url, authenticator, inboxPrefix: workerInbox(pool, workerId), ...options });
}

/** Says goodbye on that subject, as the shortest message that wants an answer. */
export async function askAsWorker(worker: NatsConnection, workerId: WorkerId, subject: string) {
  const goodbye = encodeMessage({
    ...{ message_id: "goodbye", version: protocolVersion, timestamp: new Date().toISOString() },
    ...{ sender_id: workerId, sender_type: "worker", type: "worker.goodbye", payload: { worker_id: workerId } },
  });
  const { data } = await worker.request(subject, goodbye, { timeout: answerMsMax });
  return decodeMessage(data, coordinatorReplySchema);
}

/** Who may hear everything in the account: no such user is ever made outside of tests. */
export function connectAsObserver({ url, authority }: Broker): Promise<NatsConnection> {
  const [signer, key] = [fromSeed(new TextEncoder().encode(authority.signingSeed)), createUser()];
  const issuedAt = Math.floor(Date.now() / 1_000);
  const permissions = {
    ...{ publish: [], subscribe: [">"], replies: null },
    ...{ subscriptionsMax: 1, payloadBytesMax: messageBytesMax },
  };
  const jwt = encodeUserJwt(
    {
      ...{ publicKey: key.getPublicKey(), name: "observer", jwtId: "observer", permissions },
      ...{ issuedAt, expiresAt: issuedAt + credentialSeconds },
    },
    { publicKey: signer.getPublicKey(), account: authority.account, sign: (bytes) => signer.sign(bytes) },
  );
  return connect({ servers: url, authenticator: jwtAuthenticator(jwt, key.getSeed()) });
}

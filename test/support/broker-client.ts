/** Connections to a test's broker, each under credentials of its own: nobody gets in without. */
import { createUser, fromSeed } from "@nats-io/nkeys";
import { type ConnectionOptions, connect, jwtAuthenticator, type NatsConnection } from "nats.ws";
import { createMint, type Mint } from "../../functions/broker/credentials.ts";
import { encodeUserJwt } from "../../functions/broker/user-jwt.ts";
import { createIdSource, secureRandom, type WorkerId } from "../../schema/ids.ts";
import { messageBytesMax } from "../../schema/limits.ts";
import { decodeMessage, encodeMessage, protocolVersion } from "../../schema/messages/envelope.ts";
import { coordinatorInbox, workerInbox } from "../../schema/messages/subjects.ts";
import {
  type CoordinatorReply,
  coordinatorReplySchema,
  type ToCoordinator,
} from "../../schema/messages/to-coordinator.ts";
import type { TestNats } from "./nats.ts";

type Broker = Pick<TestNats, "url" | "authority">;

const credentialSeconds = 3_600;
/** So that who asks in vain says so. */
const answerMsMax = 20_000;
const ids = createIdSource(Date.now, secureRandom);
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

/** What is answered to a worker that says this, in the way of an agent. */
export async function sayAsWorker(
  worker: NatsConnection,
  subject: string,
  { type, payload }: ToCoordinator,
): Promise<CoordinatorReply> {
  const bytes = encodeMessage({
    ...{ message_id: ids.message(), type, version: protocolVersion, timestamp: new Date().toISOString() },
    ...{ sender_id: payload.worker_id, sender_type: "worker", payload },
  });
  const { data } = await worker.request(subject, bytes, { timeout: answerMsMax });
  const decoded = decodeMessage(data, coordinatorReplySchema);
  if (!decoded.ok) throw new Error(decoded.problem);
  return decoded.message;
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

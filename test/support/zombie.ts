/** Says on the broker what a worker of the past would say, so that it is certain to arrive. */
import { connect } from "nats.ws";
import type { CustomerId, WorkerId } from "../../schema/ids.ts";
import { createIdSource, secureRandom } from "../../schema/ids.ts";
import { decodeMessage, encodeMessage, protocolVersion } from "../../schema/messages/envelope.ts";
import { eventsSubject } from "../../schema/messages/subjects.ts";
import { coordinatorReplySchema } from "../../schema/messages/to-coordinator.ts";
import type { Outcome, WorkerEvent } from "../../schema/messages/worker-events.ts";

const ids = createIdSource(Date.now, secureRandom);
const answerMsMax = 20_000;

/** What the coordinator answers to each event. */
export async function sayAs(
  natsUrl: string,
  worker_id: WorkerId,
  customer_id: CustomerId,
  events: readonly WorkerEvent[],
): Promise<Outcome[]> {
  const connection = await connect({ servers: natsUrl });
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
    const reply = await connection.request(eventsSubject("default"), bytes, { timeout: answerMsMax });
    const decoded = decodeMessage(reply.data, coordinatorReplySchema);
    if (!decoded.ok) throw new Error(decoded.problem);
    if (decoded.message.type !== "events.outcome") throw new Error(`answered ${JSON.stringify(decoded.message)}`);
    return decoded.message.payload.outcomes.map(({ outcome }) => outcome);
  } finally {
    await connection.close();
  }
}

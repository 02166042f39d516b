/** The benchmark's own client of the HTTP API: connections that stay, and the moments of sending and receiving. */
import { Agent, type IncomingMessage, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { submittedSchema } from "../../schema/http/submit.ts";

export interface Exchanged {
  readonly status: number;
  readonly body: string;
  /** Milliseconds since the epoch, with fractions, on this machine's clock. */
  readonly sentAt: number;
  readonly receivedAt: number;
}

/** What the benchmark looks at in a workload. */
const seenSchema = z.object({
  status: z.string(),
  worker_id: z.string().nullable(),
  generation: z.number(),
  checkpoint_sequence: z.number(),
});
export type Seen = z.infer<typeof seenSchema>;

export interface Submission {
  readonly workload_type: string;
  readonly input_params: unknown;
}

export const noop: Submission = { workload_type: "noop", input_params: {} };

export interface Client {
  send(method: "GET" | "POST", path: string, body?: string): Promise<Exchanged>;
  /** Accepted, with its id. */
  submit(submission: Submission): Promise<Exchanged & { id: string }>;
  look(id: string, signal: AbortSignal): Promise<Seen>;
  /** Looks again until it is as wanted; answers how it was seen, and when. */
  until(id: string, wanted: (seen: Seen) => boolean, signal: AbortSignal): Promise<Seen & { at: number }>;
  close(): void;
}

const lookEveryMs = 10;

export const moment = (): number => performance.timeOrigin + performance.now();

export function createClient(apiUrl: string, key: string, connections: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: "lifo" });
  const { hostname, port } = new URL(apiUrl);
  const send: Client["send"] = (method, path, body) =>
    new Promise((resolve, reject) => {
      const sentAt = moment();
      const headers = { authorization: `Bearer ${key}`, ...(body === undefined ? {} : jsonHeaders(body)) };
      const sending = request({ agent, hostname, port, method, path, headers }, (response) => {
        readAll(response).then((text) => {
          resolve({ status: response.statusCode ?? 0, body: text, sentAt, receivedAt: moment() });
        }, reject);
      });
      sending.on("error", reject);
      sending.end(body);
    });
  const look: Client["look"] = async (id, signal) => {
    signal.throwIfAborted();
    const reply = expect(await send("GET", `/v1/workloads/${id}`), 200);
    return seenSchema.parse(JSON.parse(reply.body));
  };
  return {
    send,
    look,
    async submit(submission) {
      const reply = expect(await send("POST", "/v1/workloads", JSON.stringify(submission)), 202);
      return { ...reply, id: submittedSchema.parse(JSON.parse(reply.body)).workload_id };
    },
    async until(id, wanted, signal) {
      for (;;) {
        const seen = await look(id, signal);
        if (wanted(seen)) return { ...seen, at: moment() };
        await delay(lookEveryMs, undefined, { signal });
      }
    },
    close: () => agent.destroy(),
  };
}

const jsonHeaders = (body: string) => ({
  "content-type": "application/json",
  "content-length": String(Buffer.byteLength(body)),
});

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

export function expect(reply: Exchanged, status: number): Exchanged {
  if (reply.status === status) return reply;
  throw new Error(`the API answered ${reply.status}, not ${status}: ${reply.body.slice(0, 300)}`);
}

/** Does `count` pieces of work, `width` at a time. */
export async function inParallel(count: number, width: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}

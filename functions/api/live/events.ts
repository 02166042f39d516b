/** Server-sent events: the Worker writes down what it hears on one socket of the coordinator, for as long as somebody reads. */
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { liveMessageSchema } from "../../../schema/http/live.ts";
import { liveBacklogMax, liveKeepAliveSeconds } from "../../../schema/limits.ts";
import type { ApiContext } from "../context.ts";
import { attempt, type Socket } from "./socket.ts";

const gone = 1001;

/** Ends when the coordinator closes the socket, or the reader goes: then the socket is closed. */
export const streamEvents = (c: ApiContext, socket: Socket): Response =>
  streamSSE(c, async (stream) => {
    const beat = setInterval(() => void stream.write(": keep-alive\n\n"), liveKeepAliveSeconds * 1_000);
    try {
      await writeAll(stream, socket);
    } finally {
      clearInterval(beat);
      attempt(() => socket.close(gone, "the reader is gone"));
    }
  });

function writeAll(stream: SSEStreamingApi, socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let written: Promise<unknown> = Promise.resolve();
    let waiting = 0;
    socket.addEventListener("message", ({ data }) => {
      waiting += 1;
      // A reader that is too slow comes back with the cursor of what it has read.
      if (waiting > liveBacklogMax) return resolve();
      written = written.then(() => writeOne(stream, String(data))).then(() => (waiting -= 1), reject);
    });
    socket.addEventListener("close", () => void written.then(() => resolve()));
    socket.addEventListener("error", () => void written.then(() => resolve()));
    stream.onAbort(() => resolve());
    socket.accept();
  });
}

async function writeOne(stream: SSEStreamingApi, data: string): Promise<void> {
  const message = liveMessageSchema.safeParse(JSON.parse(data));
  if (!message.success) return; // an answer to something that a reader of events cannot have said
  await stream.writeSSE({ event: message.data.type, id: message.data.cursor, data });
}

/** Live updates: WebSockets of one workload or of all, and server-sent events of one. */
import { exampleCursor, exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import { eventsQuerySchema, liveMessageSchema, watchQuerySchema } from "../../../schema/http/live.ts";
import type { WorkloadId } from "../../../schema/ids.ts";
import type { ApiContext, ApiDependencies } from "../context.ts";
import { streamEvents } from "../live/events.ts";
import { welcome } from "../live/first-message.ts";
import { attempt, type Socket, socketOf } from "../live/socket.ts";
import { type Asked, replyHeaders, watchFor, watching } from "../live/watch.ts";
import { type Refused, type Route, reply, route } from "../route.ts";
import { invalidAt } from "../validation.ts";
import { workloadParam } from "./workloads.ts";

type Deps = Pick<ApiDependencies, "coordinators" | "log" | "openSocket" | "background">;

const watchShape = { schema: watchQuerySchema, repeatable: [], times: [] } as const;
const eventsShape = { schema: eventsQuerySchema, repeatable: [], times: [] } as const;

const badCursor = invalidAt("cursor", "not a cursor of this stream");
const noUpgrade = invalidAt("Upgrade", "a WebSocket is asked for with `Upgrade: websocket`");

const messages =
  "Each frame is one JSON message, as the schema LiveMessage says: `hello`, `status_update`, `log_line`, `checkpoint`, " +
  "`completed`, `failed`. Each has a `cursor`; with `?cursor=` a stream goes on right after it, without gap or repeat. " +
  'The token may stand in the Authorization header, in `?token=`, or in a first message `{"token":"…"}`. ' +
  "The text `ping` is answered with `pong`.";

const switched = { 101: { description: "The stream begins with `hello`", schema: null } } as const;

export const watchWorkload = (deps: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/ws/workloads/{id}",
    operationId: "watchWorkload",
    tag: "Live updates",
    summary: "WebSocket: what happens to one workload, with its log lines",
    description: `${messages} After the message that ends the workload the stream is closed with 1000.`,
    access: "watcher",
    params: { id: workloadParam },
    query: watchShape,
    replies: switched,
    refusals: ["unknown_workload", "watchers_full", "doors_full", "unavailable"],
    handle: ({ params: { id }, query }, c) => watch(deps, c, id, query.cursor),
  });

export const watchWorkloads = (deps: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/ws/workloads",
    operationId: "watchWorkloads",
    tag: "Live updates",
    summary: "WebSocket: what happens to all workloads of the customer, without log lines and results",
    description: messages,
    access: "watcher",
    query: watchShape,
    replies: switched,
    refusals: ["watchers_full", "doors_full", "unavailable"],
    handle: ({ query }, c) => watch(deps, c, null, query.cursor),
  });

async function watch(
  deps: Deps,
  c: ApiContext,
  workloadId: WorkloadId | null,
  cursor: string | undefined,
): Promise<Response | Refused> {
  const { admitted } = c.var.watcherDoor;
  const isUpgrade = c.req.method === "GET" && c.req.header("upgrade")?.toLowerCase() === "websocket";
  if (!isUpgrade) return admitted === null ? { refusal: { kind: "unauthenticated" } } : noUpgrade;
  const asked = watching(workloadId, cursor);
  if (admitted === null) return invite(deps, c, asked);
  const watched = await deps.coordinators.watch(
    admitted.customer.customerId,
    watchFor(admitted, asked, replyHeaders(c)),
  );
  if (watched.kind === "watching") return watched.response;
  return watched.kind === "refused" ? watched : badCursor;
}

function invite(deps: Deps, c: ApiContext, asked: Asked): Response | Refused {
  const door = c.var.watcherDoor;
  const opened = door.open();
  if (!opened.ok) return opened;
  const { response, socket } = deps.openSocket(replyHeaders(c));
  deps.background(welcome(deps, { ...door, end: opened.value }, socket, asked));
  return response;
}

const exampleMessage = {
  type: "status_update",
  cursor: exampleCursor,
  workload_id: exampleIds.workload,
  generation: 1,
  timestamp: exampleTimes.started,
  status: "RUNNING",
  previous: "SCHEDULED",
  progress_percent: 0,
  progress_message: null,
  worker_id: exampleIds.worker,
};

export const getWorkloadEvents = ({ coordinators }: Pick<Deps, "coordinators">): Route =>
  route({
    method: "GET",
    path: "/v1/workloads/{id}/events",
    operationId: "getWorkloadEvents",
    tag: "Live updates",
    summary: "Server-sent events: what happens to one workload, with its log lines",
    description:
      "`event` is the type of a message, `id` its cursor, `data` the message. A stream goes on after `Last-Event-ID`, or " +
      "after `?cursor=`; a comment every 15 seconds keeps the line open.",
    access: "workloads:read",
    params: { id: workloadParam },
    resumable: true,
    query: eventsShape,
    replies: {
      200: {
        description: "A stream that ends with the workload",
        schema: liveMessageSchema,
        media: "text/event-stream",
        example: exampleMessage,
      },
      204: {
        description: "All was told up to this cursor, and nothing will follow: do not connect again",
        schema: null,
      },
    },
    refusals: ["unknown_workload", "watchers_full", "unavailable"],
    handle: async ({ params: { id }, query }, c) => {
      const cursor = c.req.header("last-event-id") || query.cursor;
      const { customer, principal } = c.var;
      const asked = { ...watching(id, cursor), transport: "events" } as const;
      const watched = await coordinators.watch(customer.customerId, watchFor({ principal }, asked, {}));
      if (watched.kind === "ended") return reply(204, null);
      if (watched.kind === "watching") return begin(c, socketOf(watched.response));
      return watched.kind === "refused" ? watched : badCursor;
    },
  });

/** HEAD asks for no stream. */
function begin(c: ApiContext, socket: Socket): Response {
  if (c.req.method !== "HEAD") return streamEvents(c, socket);
  socket.accept();
  attempt(() => socket.close(1000, "only the head was asked for"));
  return c.body(null, 200, { "Content-Type": "text/event-stream" });
}

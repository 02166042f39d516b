/** A watcher whose token comes in its first message: the Worker keeps the line until it knows whom it is for. */
import { closeCodes, tokenMessageSchema } from "../../../schema/http/live.ts";
import { watchTokenMessageLengthMax, watchTokenSeconds } from "../../../schema/limits.ts";
import type { ErrorCode } from "../../../schema/status.ts";
import type { CoordinatorGateway } from "../../coordinator/gateway.ts";
import { StoreUnavailable } from "../../store/store.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Admitted, WatcherDoor } from "../context.ts";
import { type ApiRefusal, errorOf } from "../errors.ts";
import { invalidAt } from "../validation.ts";
import type { EndWaiting } from "./doors.ts";
import { attempt, bridge, type Socket, socketOf } from "./socket.ts";
import { type Asked, watchFor } from "./watch.ts";

interface Host {
  readonly coordinators: CoordinatorGateway;
  readonly log: Log;
}

interface Waiting extends Pick<WatcherDoor, "admit"> {
  readonly end: EndWaiting;
}

/** Owns what may go wrong: the client is told by how the line ends. */
export async function welcome(host: Host, door: Waiting, socket: Socket, asked: Asked): Promise<void> {
  try {
    const token = await hear(socket, door.end);
    if (token === null) return end(socket, closeCodes.tokenLate, "no token came");
    const admitted = await door.admit(token);
    if (admitted.ok) await handOver(host, socket, admitted.value, asked);
    else turnAway(socket, admitted.refusal);
  } catch (err) {
    host.log.warn({ component: "api", err }, "a watcher could not be let in");
    const what = err instanceof StoreUnavailable ? "database" : "leader";
    turnAway(socket, { kind: "unavailable", what, retryAfterSeconds: 1 });
  }
}

async function hear(socket: Socket, end: EndWaiting): Promise<string | null> {
  let token: string | null = null;
  try {
    token = await firstToken(socket);
  } finally {
    end(token !== null);
  }
  return token;
}

/** Null: none in time, or another message. */
function firstToken(socket: Socket): Promise<string | null> {
  return new Promise((resolve) => {
    let isHeard = false;
    const late = setTimeout(() => resolve(null), watchTokenSeconds * 1_000);
    const settle = (token: string | null) => {
      isHeard = true;
      clearTimeout(late);
      resolve(token);
    };
    socket.addEventListener("message", ({ data }) => isHeard || settle(readToken(data)));
    socket.addEventListener("close", () => settle(null));
    socket.accept();
  });
}

function readToken(data: unknown): string | null {
  if (typeof data !== "string" || data.length > watchTokenMessageLengthMax) return null;
  try {
    return tokenMessageSchema.safeParse(JSON.parse(data)).data?.token ?? null;
  } catch {
    return null; // not JSON: no token
  }
}

async function handOver(host: Host, socket: Socket, admitted: Admitted, asked: Asked): Promise<void> {
  const watch = watchFor(admitted, asked, {});
  const watched = await host.coordinators.watch(admitted.customer.customerId, watch);
  if (watched.kind === "watching") bridge(socket, socketOf(watched.response));
  else if (watched.kind === "refused") turnAway(socket, watched.refusal);
  else if (watched.kind === "bad_cursor") turnAway(socket, badCursor);
  else end(socket, closeCodes.ended, "ended");
}

const badCursor = invalidAt("cursor", "not a cursor of this stream").refusal;

function turnAway(socket: Socket, refusal: ApiRefusal): void {
  const error = errorOf(refusal);
  const code = closeCodeOf[error.code] ?? closeCodes.connectAgain;
  // Who has shown no valid token is told nothing but that.
  if (code !== closeCodes.unauthorized) attempt(() => socket.send(JSON.stringify({ type: "error", error })));
  end(socket, code, error.message);
}

const closeCodeOf: Partial<Record<ErrorCode, number>> = {
  INVALID_INPUT: closeCodes.nonsense,
  UNAUTHORIZED: closeCodes.unauthorized,
  FORBIDDEN: closeCodes.forbidden,
  NOT_FOUND: closeCodes.notFound,
  RATE_LIMITED: closeCodes.rateLimited,
};

function end(socket: Socket, code: number, reason: string): void {
  attempt(() => socket.close(code, reason));
}

/** WebSockets as the Worker holds them, and how two of them are made one line. */

/** One end; nothing is heard before `accept`. */
export interface Socket {
  accept(): void;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "message", hear: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", hear: (event: { readonly code: number; readonly reason: string }) => void): void;
  addEventListener(type: "error", hear: () => void): void;
}

/** A reply that gives its caller one end, and the other end. */
export interface OpenSocket {
  readonly response: Response;
  readonly socket: Socket;
}

const isSocket = (value: unknown): value is Socket =>
  typeof value === "object" && value !== null && "accept" in value && "addEventListener" in value;

/** The end that a 101 carries. */
export function socketOf(response: Response): Socket {
  const socket: unknown = Reflect.get(response, "webSocket");
  if (isSocket(socket)) return socket;
  throw new Error("a reply that should carry a socket has none");
}

/** Whatever one end says, the other hears, until either is gone. */
export function bridge(one: Socket, other: Socket): void {
  forward(one, other);
  forward(other, one);
  other.accept();
}

function forward(from: Socket, to: Socket): void {
  from.addEventListener("message", ({ data }) => {
    if (typeof data === "string") attempt(() => to.send(data));
    else attempt(() => from.close(unsupportedData, "text only"));
  });
  from.addEventListener("close", ({ code, reason }) => attempt(() => to.close(sendable(code), reason)));
  from.addEventListener("error", () => attempt(() => to.close(lost, "the other end is lost")));
}

const unsupportedData = 1003;
const lost = 1011;

/** What a socket may be closed with: codes that only say that none came are not among them. */
const sendable = (code: number): number =>
  code === 1000 || (code > 1003 && code < 5000 && !silent.has(code)) ? code : lost;
const silent = new Set([1004, 1005, 1006, 1015]);

/** A socket that is closed already throws; there is nobody left to tell. */
export function attempt(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** How Neon words what went wrong: the fields of the Postgres error, 400 for a refused statement, 503 for a lost server. */
import pg from "pg";

export interface GatewayReply {
  status: number;
  body: string;
}

/** A request that is not what the driver sends. */
export class BadRequest extends Error {}

const errorFields = [
  ...["code", "severity", "detail", "hint", "position", "internalPosition", "internalQuery", "where"],
  ...["schema", "table", "column", "dataType", "constraint", "file", "line", "routine"],
] as const;

/** Codes of a server that goes down, comes up, or takes no more connections. */
const unavailable = /^(57P0[1-5]|08...|53300)$/;

export const tooLarge = (bytesMax: number): GatewayReply => ({
  status: 413,
  body: JSON.stringify({ message: `the request is larger than ${bytesMax} bytes`, code: null }),
});

export function toReply(error: unknown): GatewayReply {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof BadRequest) return { status: 400, body: JSON.stringify({ message, code: null }) };
  if (!(error instanceof pg.DatabaseError)) return lost(message, error);
  const body = JSON.stringify({
    message,
    ...Object.fromEntries(errorFields.map((field) => [field, fieldOf(error, field)])),
  });
  return { status: unavailable.test(error.code ?? "") ? 503 : 400, body };
}

const fieldOf = (error: object, field: string): unknown => Reflect.get(error, field) ?? null;

/** No word from the server: refused, reset, timed out. An aggregate (IPv4 and IPv6 refused) has no message of its own. */
function lost(message: string, error: unknown): GatewayReply {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return { status: 503, body: JSON.stringify({ message: `the database cannot be reached: ${message || code}`, code }) };
}

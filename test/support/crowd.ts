/** Many clients at once, each with a connection of its own that it keeps, and what they ask in JSON. */
import { z } from "zod";
import { type RawReply, type RawRequest, rawClient } from "./raw-http.ts";

export const crowdSize = 50;

export interface Asked {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  /** Undefined: none is sent. */
  readonly body?: unknown;
  readonly idempotencyKey?: string;
}

export interface Caller {
  ask(asked: Asked): Promise<RawReply>;
  /** With credentials of its own. */
  raw(request: RawRequest): Promise<RawReply>;
  /** Sends it and does not wait for an answer. */
  abandon(asked: Asked): Promise<void>;
  /** Throws what is not a success. */
  surely(asked: Asked): Promise<RawReply>;
  close(): void;
}

/** Whoever calls with this token. */
export function callerOf(apiUrl: string, token: string): Caller {
  const client = rawClient(apiUrl, crowdSize);
  const ask = (asked: Asked) => client.send(requestOf(asked, token));
  return {
    ask,
    raw: client.send,
    abandon: (asked) => client.abandon(requestOf(asked, token)),
    async surely(asked) {
      const reply = await ask(asked);
      if (reply.status < 300) return reply;
      throw new Error(`${asked.path} was answered ${reply.status}: ${reply.text}`);
    },
    close: () => client.close(),
  };
}

const requestOf = ({ method = "POST", path, body, idempotencyKey }: Asked, token: string): RawRequest => ({
  method,
  path,
  headers: {
    authorization: `Bearer ${token}`,
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
  },
  body: body === undefined ? null : JSON.stringify(body),
});

/** Every one of them takes its turns one after the other, all of them at once. */
export async function crowd<T>(turns: number, turn: (who: number, nth: number) => Promise<T>): Promise<T[]> {
  const one = async (who: number): Promise<T[]> => {
    const results: T[] = [];
    for (let nth = 0; nth < turns; nth += 1) results.push(await turn(who, nth));
    return results;
  };
  return (await Promise.all(Array.from({ length: crowdSize }, (_, who) => one(who)))).flat();
}

const errorSchema = z.object({ error: z.object({ code: z.string() }) });

export const codeOf = ({ text }: RawReply): string => errorSchema.parse(JSON.parse(text)).error.code;

export const readAs = <T>(schema: z.ZodType<T>, { text }: RawReply): T => schema.parse(JSON.parse(text));

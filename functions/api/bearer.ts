/** The bearer token of a request, or an empty text. */
import type { ApiContext } from "./context.ts";

const bearer = /^bearer +([^\s]+)\s*$/i;

export const bearerToken = (c: ApiContext): string => bearer.exec(c.req.header("authorization") ?? "")?.[1] ?? "";

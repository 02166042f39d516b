/** The id under which a request is logged and answered: the caller's own where it is sane, else a new one. */
import type { ApiHandler } from "../context.ts";

const sane = /^[A-Za-z0-9._-]{1,128}$/;

export const requestId =
  (next: () => string): ApiHandler =>
  (c, proceed) => {
    const given = c.req.header("x-request-id") ?? "";
    const id = sane.test(given) ? given : next();
    c.set("requestId", id);
    c.header("X-Request-Id", id);
    return proceed();
  };

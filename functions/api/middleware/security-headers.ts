/**
 * Headers that keep browsers and caches from doing anything with a reply but read it. None of them allows another origin
 * (CORS): a page elsewhere has no business with an API key.
 */
import type { ApiHandler } from "../context.ts";

const headers = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
  "Cache-Control": "no-store",
} as const;

export const securityHeaders: ApiHandler = (c, proceed) => {
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return proceed();
};

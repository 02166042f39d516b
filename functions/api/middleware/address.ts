/** Refuses a request whose address is none, or whose Host header would move the path and the query. */
import type { ApiHandler } from "../context.ts";
import { refuse } from "../errors.ts";
import { invalidAt } from "../validation.ts";

/** The runtime writes Host into the URL as it came: with one of these the rest of the URL means something else. */
const delimiter = /[/\\?#@\s]/;

const { refusal } = invalidAt("Host", "not the name of a host");

export const address: ApiHandler = async (c, proceed) => {
  const isSane = URL.canParse(c.req.url) && !delimiter.test(c.req.header("host") ?? "");
  return isSane ? proceed() : refuse(c, refusal);
};

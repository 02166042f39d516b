/** Whether a reply is one that the document promises for its operation. */
import type { Conformance } from "./conformance.ts";
import type { Call, Content } from "./documented.ts";
import type { RawReply } from "./raw-http.ts";

/** The last text that was right: many operations answer the same again and again. */
const checked = new WeakMap<Content, string>();

/** What is wrong with a reply, in words; empty: nothing is. */
export function replyProblems({ problemsOf }: Conformance, { operation }: Call, reply: RawReply): string[] {
  const { status, headers, text } = reply;
  const promised = operation.responses[status];
  if (promised === undefined) return [`status ${status} is not promised`];
  // Nothing is away and nothing is full: also what would be refused for that, and be right elsewhere, is a mistake.
  if (status >= 500) return [`status ${status}`];
  const media = (headers["content-type"] ?? "").split(";")[0] ?? "";
  const content = promised.content?.[media];
  if (promised.content === undefined)
    return [...headerProblems(reply), ...(text === "" ? [] : ["a body where none is promised"])];
  if (content === undefined) return [`the media type '${media}' is not promised for ${status}`];
  const isKnown = media !== "application/json" || checked.get(content) === text;
  const body = isKnown ? [] : problemsOf(content.schema, JSON.parse(text));
  if (body.length === 0) checked.set(content, text);
  return [...headerProblems(reply), ...body.map((problem) => `the body of ${status}:${problem}`)];
}

function headerProblems({ status, headers, text }: RawReply): string[] {
  const id = headers["x-request-id"];
  const isError =
    status >= 400 && (headers["content-type"] ?? "").startsWith("application/json") && text.startsWith('{"error"');
  const needed =
    status === 401 ? ["www-authenticate"] : status === 429 || (status === 503 && isError) ? ["retry-after"] : [];
  return [
    ...(id === undefined ? ["no X-Request-Id"] : []),
    ...(isError && !text.includes(`"request_id":"${id}"`) ? ["another request_id than X-Request-Id"] : []),
    ...needed.filter((name) => headers[name] === undefined).map((name) => `no ${name}`),
  ];
}

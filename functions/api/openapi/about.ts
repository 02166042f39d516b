/** What the document says of the API as a whole: its text, its tags, how to authenticate. */
import type { ZodOpenApiComponentsObject, ZodOpenApiObject } from "zod-openapi";
import type { Scope } from "../../../schema/scopes.ts";
import type { Access, Route, tags } from "../route.ts";

type SecuritySchemes = NonNullable<ZodOpenApiComponentsObject["securitySchemes"]>;

const description = `Long-running workloads for many customers: submit, watch, pause, resume, move and retry them.

**Requests.** Bodies are JSON in UTF-8 of at most 1 MiB; unknown fields, repeated keys and unknown query parameters are
refused. Field names are in snake_case, times in ISO 8601. A \`HEAD\` is answered as its \`GET\`; any other method that a path
does not list is answered 405 with \`Allow\`, and a path that is not listed 404.

**Replies.** Every reply has \`X-Request-Id\`: the caller's own where it sent one, and the id under which we log. Replies may
gain fields, so ignore the ones that you do not know. Every error has the same body, and its \`code\` decides the status.

**Sending again.** An operation that takes an \`Idempotency-Key\` can be sent again under the same key for 24 hours with the
same outcome. With another request under that key it is answered 409.

**Limits.** Every authenticated reply has \`X-RateLimit-Limit\`, \`-Remaining\` and \`-Reset\` (seconds until the bucket is
full). Wait for \`Retry-After\` seconds where it is given.

**Other customers.** What belongs to another customer is answered exactly as what does not exist.`;

export const about = (
  version: string,
  used: ReadonlySet<string>,
): Pick<ZodOpenApiObject, "info" | "servers" | "tags"> => ({
  info: {
    title: "Niyanta",
    version,
    summary: "A control plane for long-running workloads.",
    description,
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  servers: [{ url: "/", description: "This server" }],
  tags: Object.entries(tagTexts)
    .filter(([name]) => used.has(name))
    .map(([name, text]) => ({ name, description: text })),
});

const tagTexts: Readonly<Record<(typeof tags)[number], string>> = {
  Workloads: "Submit workloads, read them, and say what becomes of them.",
  "Live updates": "What happens to workloads, as it happens, with a cursor to go on from.",
  "Workload types": "The types that workloads may be of, and how each type is run.",
  Customer: "Limits, live usage, and statistics.",
  "API keys": "Keys of this customer: make, rotate, revoke. A secret is shown once.",
  Admin: "For the operator: customers and the fleet of workers.",
  Agents: "For worker agents, with the token of their pool.",
  Operations: "Health, metrics, and this document.",
};

const securitySchemes: SecuritySchemes = {
  customer: {
    type: "http",
    scheme: "bearer",
    description:
      "An API key of a customer (`nyt_cust_…`), or a JWT with a `customer_id`. Its scopes say what it may do.",
  },
  watcher: {
    type: "apiKey",
    in: "query",
    name: "token",
    description: "The same key or JWT, for browsers, whose WebSockets send no headers of ours.",
  },
  operator: {
    type: "http",
    scheme: "bearer",
    description: "The admin key (`nyt_admin_…`), or a JWT with the scope `admin` and no `customer_id`.",
  },
  pool: { type: "http", scheme: "bearer", description: "The token of a pool (`nyp_…`), which opens no other pool." },
  metrics: { type: "http", scheme: "bearer", description: "The token for metrics, unless they are open." },
};

const ofCustomer = (scope: Scope) => ({ customer: [scope] });

/** Those that some route asks for. */
export function schemesOf(routes: readonly Pick<Route, "access">[]): SecuritySchemes {
  const used = new Set(routes.flatMap(({ access }) => securityOf(access).flatMap((one) => Object.keys(one))));
  return Object.fromEntries(Object.entries(securitySchemes).filter(([name]) => used.has(name)));
}

/** An empty requirement means that nothing is needed. */
export function securityOf(access: Access): Record<string, string[]>[] {
  if (access === "public") return [];
  if (access === "metrics") return [{ metrics: [] }];
  if (access === "pool") return [{ pool: [] }];
  if (access === "watcher") return [ofCustomer("workloads:read"), { watcher: ["workloads:read"] }];
  return access === "admin" ? [{ operator: ["admin"] }] : [ofCustomer(access)];
}

/** Every operation of the document, asked in hundreds of right and wrong ways: it answers as the document says. */
import { createUser } from "@nats-io/nkeys";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Stack } from "../../infra/local/stack.ts";
import { customerScopes } from "../../schema/scopes.ts";
import { authorizationOf, type Credentials, keyWithout, ownPoolToken, requirementOf } from "../support/api-callers.ts";
import { startApi } from "../support/api-fixture.ts";
import type { Known } from "../support/arbitraries.ts";
import { replyProblems } from "../support/checked-reply.ts";
import { conformance } from "../support/conformance.ts";
import { type Call, documentOf, operationsOf } from "../support/documented.ts";
import { type Fingerprints, openFingerprints } from "../support/fingerprint.ts";
import { plant, plantedTypes } from "../support/planted.ts";
import { type RawClient, type RawReply, type RawRequest, rawClient } from "../support/raw-http.ts";
import { partsOf, requestOf } from "../support/requests.ts";
import { spoil } from "../support/spoilt.ts";
import { newCustomer, startTestStack } from "../support/stack.ts";

const runsMin = 300;
/** Of each half: what an operation asks for, and what it must refuse. */
const runs = Math.ceil(Math.max(runsMin, Number(process.env.NIYANTA_FUZZ_RUNS ?? runsMin)) / 2);
const seed = Number(process.env.NIYANTA_FUZZ_SEED ?? Date.now() % 2 ** 31);
const shown = 5;
/** Of one kind. */
const seedsMax = 60;
const harvestedMax = 2_000;
const leaseSeconds = 3_600;

const text = await (await (await startApi()).app.request("/openapi.json")).text();
const document = documentOf(text);
const conforming = conformance(document);
const calls = operationsOf(document);
const titled = calls.map((call) => [`${call.method} ${call.path}`, call] as const);

let stack: Stack;
let client: RawClient;
let credentials: Credentials;
let fingerprints: Fingerprints;
/** Ids of what exists, the newest first. */
let seeds: readonly string[] = [];
/** For the operation that is asked. */
let planted: readonly string[] = [];
/** Of the key and the customer that ask: what happened to them would happen to the test. */
let own: ReadonlySet<string>;

beforeAll(async () => {
  const pool = await ownPoolToken();
  // Nobody works here: what is accepted stays as it is; and who only registers is there to the end.
  stack = await startTestStack({
    agents: 0,
    bindings: pool.bindings,
    leaseSeconds,
    heartbeatSeconds: leaseSeconds / 4,
  });
  client = rawClient(stack.dev.api_url);
  fingerprints = await openFingerprints(stack.dev.database_url);
  const { key, customerId } = await newCustomer(stack, { scopes: customerScopes });
  const { admin_key: operator, metrics_token: metrics } = stack.dev;
  credentials = { customer: key, operator, pool: pool.token, metrics };
  own = new Set(await fingerprints.idsOf(customerId));
});

afterAll(async () => {
  client?.close();
  await fingerprints?.close();
  await stack?.stop();
});

const idsIn = (text: string): string[] => text.match(/\b(?:wl|wlcfg|cust|wkr|key)_[0-9a-hjkmnp-tv-z]{26}\b/g) ?? [];

/** What replies speak of can be asked for: so every operation finds what others have made. */
function remember(reply: string): void {
  const all = Array.from(new Set([...idsIn(reply), ...seeds])).filter((id) => !own.has(id));
  seeds = Array.from(Map.groupBy(all, (id) => id.split("_")[0]).values()).flatMap((ids) => ids.slice(0, seedsMax));
}

const freshTypes = Array.from({ length: 4 }, (_, at) => `fuzz.fresh${at}`);
const named: Readonly<Record<string, readonly string[]>> = {
  pool: ["default"],
  label: ["team:fuzz", "team"],
  public_key: [createUser().getPublicKey()],
};

function typesFor({ method, path }: Call): readonly string[] {
  if (!path.includes("configs")) return ["noop", "sleep"];
  return method === "POST" ? freshTypes : plantedTypes;
}

/** For a pattern that is an id's: the ids that there are. Where a path has two, they belong together as they were planted. */
function known(call: Call): Known {
  const ofName: typeof named = { ...named, workload_type: typesFor(call) };
  const isPair = call.parameters.filter((one) => one.in === "path").length > 1;
  const ids = isPair ? planted : seeds;
  return (name, pattern) => ofName[name] ?? ids.filter((id) => pattern.startsWith(`^${id.split("_")[0]}_`));
}

const told = ({ method, path, headers, body }: RawRequest) =>
  `${method} ${path.slice(0, 300)} ${JSON.stringify({ ...headers, authorization: undefined })} ${String(body).slice(0, 300)}`;
const answered = ({ status, text: body }: RawReply) => `${status} ${body.slice(0, 300)}`;

interface Case {
  readonly request: RawRequest;
  readonly what: string;
  readonly statuses: readonly number[] | null;
}

async function ask(cases: readonly Case[]): Promise<RawReply[]> {
  const replies = await client.sendAll(cases.map(({ request }) => request));
  for (const reply of replies) remember(reply.text.slice(0, harvestedMax));
  return replies;
}

/** What was answered in another way than promised, or with a status that the case does not allow. */
const failures = (call: Call, cases: readonly Case[], replies: readonly RawReply[]): string[] =>
  replies.flatMap((reply, at) => {
    const { request, what, statuses } = cases[at] ?? { request: null, what: "", statuses: null };
    const problems = replyProblems(conforming, call, reply);
    if (statuses !== null && !statuses.includes(reply.status))
      problems.push(`${what} must be refused with ${statuses}`);
    if (problems.length === 0 || request === null) return [];
    return [`${problems.join("; ")}\n  asked: ${told(request)}\n  answered: ${answered(reply)}\n  seed: ${seed}`];
  });

/** Of many at once, at least one. */
const isDone = ({ status, text: body }: RawReply): boolean =>
  status < 300 && (!body.includes('"outcome":') || /"outcome":"(?:done|pending)"/.test(body));

describe.each(titled)("%s", (_, call) => {
  const sample = (count: number) =>
    fc.sample(partsOf(document, known(call), call), { numRuns: count, seed: seed + calls.indexOf(call) });

  it("answers what it asks for as the document says", async () => {
    const made = await plant({ stack, credentials }, call);
    planted = idsIn(made);
    remember(made);
    const authorization = authorizationOf(call, credentials);
    const cases = sample(runs).map((parts) => ({
      request: requestOf(call, parts, authorization),
      what: "",
      statuses: null,
    }));
    const replies = await ask(cases);
    expect(failures(call, cases, replies).slice(0, shown)).toEqual([]);
    const statuses = new Set(replies.map(({ status }) => status));
    expect(replies.some(isDone), `nothing was ever done, all was answered ${[...statuses]}`).toBe(true);
  });

  it("refuses everything else, and stores nothing of it", async () => {
    const authorization = authorizationOf(call, credentials);
    const isKnown = (id: string) => seeds.includes(id);
    const source = { document, conformance: conforming, authorization, isKnown };
    const cases: Case[] = [];
    for (const parts of sample(runs)) if (cases.length < runs) cases.push(...spoil(source, call, parts));
    const before = await fingerprints.take();
    expect(failures(call, cases, await ask(cases)).slice(0, shown)).toEqual([]);
    expect(await fingerprints.take()).toEqual(before);
  });

  it("asks for the credentials that it declares, and for the scope", async () => {
    const requirement = requirementOf(call);
    if (requirement === null) return;
    const [parts] = sample(1);
    if (parts === undefined) throw new Error("there is no sample");
    const before = await fingerprints.take();
    // An address of its own: failures of many addresses are not those of one.
    const address = { "cf-connecting-ip": `10.0.0.${calls.indexOf(call) + 1}` };
    const asked = async (authorization: string) =>
      (await client.send(requestOf(call, { ...parts, query: [], headers: address }, authorization))).status;
    // A WebSocket without a token is given a moment to send one as its first message.
    const none = "101" in call.operation.responses ? 101 : 401;
    const wrong = ["", "Bearer", `Basic ${credentials[requirement.scheme]}`, "Bearer x"];
    expect(await Promise.all(wrong.map(asked))).toEqual([none, none, none, 401]);
    expect(await fingerprints.take()).toEqual(before);
    const { scheme, scope } = requirement;
    if (scheme === "operator") expect(await asked(`Bearer ${credentials.customer}`)).toBe(403);
    if (scheme !== "customer" || scope === null) return;
    expect(await asked(`Bearer ${credentials.operator}`)).toBe(403);
    expect(await asked(`Bearer ${await keyWithout(stack, scope)}`)).toBe(403);
  });
});

describe("paths", () => {
  it.each(Object.entries(document.paths))("%s knows no other methods, and says so", async (path, methods) => {
    const declared = Object.keys(methods).map((method) => method.toUpperCase());
    const allow = declared.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).toSorted();
    const others = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"];
    for (const method of others.filter((other) => !declared.includes(other))) {
      const reply = await client.send({ method, path: path.replaceAll(/\{\w+\}/g, "x"), headers: {}, body: null });
      expect({ method, status: reply.status, allow: reply.headers.allow }).toEqual({
        method,
        status: 405,
        allow: allow.join(", "),
      });
    }
  });

  it("serve the document that the tests were made from", async () => {
    const reply = await client.send({ method: "GET", path: "/openapi.json", headers: {}, body: null });
    const versionOf = (json: string) => `"${JSON.parse(json).info.version}"`;
    expect(reply.text.replaceAll(versionOf(reply.text), versionOf(text))).toBe(text);
  });
});

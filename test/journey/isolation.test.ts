/** Two customers with one of everything: to each the other does not exist, whatever it asks, and wherever it looks. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cursorOf } from "../../functions/coordinator/watch.ts";
import type { Stack } from "../../infra/local/stack.ts";
import { createIdSource, secureRandom, type WorkloadId } from "../../schema/ids.ts";
import { requirementOf } from "../support/api-callers.ts";
import { startApi } from "../support/api-fixture.ts";
import { type Marked, markedCustomer, tomorrow } from "../support/canary.ts";
import { type Call, documentOf, idKindsOf, operationsOf } from "../support/documented.ts";
import { type Fingerprints, openFingerprints } from "../support/fingerprint.ts";
import { type RawClient, type RawReply, rawClient } from "../support/raw-http.ts";
import { type Parts, partsOf, requestOf } from "../support/requests.ts";
import { startTestStack } from "../support/stack.ts";
import { Stream } from "../support/stream.ts";

const seed = Number(process.env.NIYANTA_FUZZ_SEED ?? Date.now() % 2 ** 31);
const samples = 5;
/** Of bodies, most of which name no id. */
const bodiesTried = 60;

const text = await (await (await startApi()).app.request("/openapi.json")).text();
const document = documentOf(text);
const calls = operationsOf(document);
const ofCustomers = calls.filter((call) => requirementOf(call)?.scheme === "customer");
const titled = (list: readonly Call[]) => list.map((call) => [`${call.method} ${call.path}`, call] as const);

const source = createIdSource(Date.now, secureRandom);
/** Well formed, and never given to anything. */
const unknown: Readonly<Record<string, string>> = {
  wl: source.workload(),
  wlcfg: source.config(),
  key: source.key(),
  cust: source.customer(),
  wkr: source.worker(),
};
const kindOf = (id: string) => id.slice(0, id.indexOf("_"));
const fits = (pattern: string, id: string) => pattern.startsWith(`^${kindOf(id)}_`);
/** The id beside it, which nobody has: in every order it stands at the same place. */
const neighbour = (id: string) => `${id.slice(0, -1)}${id.endsWith("0") ? "1" : "0"}`;

const folder = mkdtempSync(join(tmpdir(), "niyanta-isolation-"));
let stack: Stack;
let client: RawClient;
let fingerprints: Fingerprints;
let asking: Marked;
let other: Marked;
/** Everything of the other customer that has an id. */
let ids: readonly string[];

beforeAll(async () => {
  stack = await startTestStack({ agents: 1 });
  client = rawClient(stack.dev.api_url);
  fingerprints = await openFingerprints(stack.dev.database_url);
  asking = await markedCustomer(stack, "wagtail", folder);
  other = await markedCustomer(stack, "canary", folder);
  ids = await fingerprints.idsOf(other.customer.customerId);
});

afterAll(async () => {
  client?.close();
  await fingerprints?.close();
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Every stream begins with it, and says in it where the workload stands. */
const isBegun = (heard: string) => heard.includes('"type":"hello"');
const askAs = (who: Marked, call: Call, parts: Parts) =>
  client.send(
    requestOf(call, { ...parts, headers: { "X-Request-Id": "same" } }, `Bearer ${who.customer.key}`),
    isBegun,
  );

const ofTheMoment = ["date", "x-ratelimit-remaining", "x-ratelimit-reset"];
const without = (headers: object, names: readonly string[]) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));

/** What a reply says, without what it repeats of the question and what the clock put in. */
const said = ({ status, headers, text: body }: RawReply, replaced: string) => ({
  status,
  headers: without(headers, ofTheMoment),
  body: body.replaceAll(replaced, "it"),
});
const sorted = (reply: ReturnType<typeof said>) => ({
  ...reply,
  headers: without(reply.headers, ["content-length"]),
  body: reply.body
    .replaceAll(/\b(?:wl|wlcfg|cust|wkr|key)_[0-9a-hjkmnp-tv-z]{26}\b/g, "id")
    .replaceAll(/nyt_id_[0-9a-f]+/g, "secret")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "time"),
});

const sample = (call: Call, known: (name: string, pattern: string) => readonly string[], count: number) =>
  fc.sample(partsOf(document, known, call), { numRuns: count, seed });

/** The twin of a request: the same, with another id in the place of one that nobody has. */
const twin = (parts: Parts, made: string, id: string): Parts => JSON.parse(JSON.stringify(parts).replaceAll(made, id));

/** Parts that name a made-up id, with that id. */
function naming(call: Call): { parts: Parts; made: string }[] {
  const made = Object.values(unknown);
  const tried = sample(call, (_, pattern) => made.filter((id) => fits(pattern, id)), bodiesTried);
  return tried.flatMap((parts) =>
    made
      .filter((id) => JSON.stringify(parts).includes(id))
      .map((id) => ({ parts: { ...parts, headers: {} }, made: id })),
  );
}

const live = ofCustomers.filter(({ operation }) => operation.tags.includes("Live updates"));
/** With it a stream tells everything since the first event. */
const beginning = (workloadId: WorkloadId) => cursorOf(workloadId, { eventId: 0, generation: 0, line: 0 });
const firstOf = ({ workloads: [first] }: Marked): WorkloadId => {
  if (first === undefined) throw new Error("there are no workloads");
  return first;
};

/** One WebSocket of all workloads from now on, and one of the first, which has ended, from its beginning on. */
async function watchBoth(who: Marked): Promise<readonly [all: Stream, one: Stream]> {
  const { api_url: url } = stack.dev;
  const [token, workloadId] = [who.customer.key, firstOf(who)];
  const all = await Stream.open(url, { token });
  return [all, await Stream.open(url, { token, workloadId, cursor: beginning(workloadId) })];
}

/** Server-sent events, until the workload has ended and all is told. */
async function eventsOf({ customer }: Marked, workloadId: WorkloadId): Promise<string> {
  const path = `/v1/workloads/${workloadId}/events?cursor=${beginning(workloadId)}`;
  const headers = { authorization: `Bearer ${customer.key}` };
  return (await client.send({ method: "GET", path, headers, body: null }, () => false)).text;
}

const submitLater = ({ client: by, word }: Marked) =>
  by.submit({ workload_type: "noop", labels: { [word]: word }, run_at: tomorrow() });

/** What both tell, up to that cancellation and up to the end of what was over. */
async function heardUntilCancelled([all, one]: readonly [Stream, Stream], id: WorkloadId): Promise<string> {
  await all.messages.until(
    (message) => message.type === "status_update" && message.workload_id === id && message.status === "CANCELLED",
  );
  await one.messages.until(({ type }) => type === "completed");
  all.leave();
  return JSON.stringify([all.messages.all, one.messages.all]);
}

describe("live updates", () => {
  it.each(titled(live))("%s takes a cursor of another customer's workload as one of none", async (_, call) => {
    const asked = async (id: string) => {
      const query = [["cursor", beginning(id as WorkloadId)]] as const;
      return said(
        await askAs(asking, call, { path: { id: firstOf(asking) }, query, headers: {}, body: undefined }),
        id,
      );
    };
    const theirs = await asked(firstOf(other));
    expect(theirs).toEqual(await asked(unknown.wl ?? ""));
    expect(theirs.status).toBe(400);
  });

  it("tell nothing of another customer while its workloads change", async () => {
    const [mine, theirs] = [await submitLater(asking), await submitLater(other)];
    const [own, foreign] = [await watchBoth(asking), await watchBoth(other)];
    const events = eventsOf(asking, mine);
    await other.client.cancel(theirs, other.word);
    const heardThere = await heardUntilCancelled(foreign, theirs);
    await asking.client.cancel(mine, asking.word);
    const heard = (await heardUntilCancelled(own, mine)) + (await events);
    for (const text of [other.word, ...ids, theirs]) expect(heard).not.toContain(text);
    // These could have been heard, had they been told to the wrong one.
    for (const text of [other.word, firstOf(other), theirs]) expect(heardThere).toContain(text);
    for (const text of [asking.word, firstOf(asking), mine]) expect(heard).toContain(text);
    expect(await eventsOf(other, firstOf(other))).toContain(other.word);
  });
});

describe.each(titled(ofCustomers))("%s", (_, call) => {
  const { parameters } = call;

  it("answers an id of another customer as one that nobody has, and does nothing to it", async () => {
    const before = await fingerprints.take(other.customer.customerId);
    const inPath = parameters.some((one) => one.in === "path");
    const taken = new Set<string>();
    for (const { parts, made } of naming(call).slice(0, inPath ? samples : bodiesTried)) {
      for (const id of ids.filter((one) => kindOf(one) === kindOf(made))) {
        const toMade = await askAs(asking, call, parts);
        const toTheirs = await askAs(asking, call, twin(parts, made, id));
        const [expected, found] = [said(toMade, made), said(toTheirs, id)];
        // A path names one thing, which is not there; a body that was taken says what it made, and when.
        expect({ id, ...(inPath ? found : sorted(found)) }).toEqual({ id, ...(inPath ? expected : sorted(expected)) });
        if (inPath) expect(toTheirs.status).toBeGreaterThanOrEqual(400);
        if (inPath || toTheirs.status < 300) taken.add(kindOf(id));
      }
    }
    const kinds = ids.map(kindOf).filter((kind) => idKindsOf(document, call).has(kind));
    expect(taken).toEqual(new Set(kinds));
    expect(await fingerprints.take(other.customer.customerId)).toEqual(before);
  });

  it("shows nothing of another customer", async () => {
    const mine = await fingerprints.idsOf(asking.customer.customerId);
    // Its own key is not to be revoked by a sample.
    const usable = mine.filter((id) => call.method === "GET" || kindOf(id) !== "key");
    const known = (_name: string, pattern: string) => usable.filter((id) => fits(pattern, id));
    for (const parts of sample(call, known, samples * samples)) {
      const reply = await askAs(asking, call, parts);
      expect(reply.text).not.toContain(other.word);
      for (const id of ids) expect(reply.text).not.toContain(id);
    }
  });

  it("takes a cursor of another customer for no more than a place in its own list", async () => {
    if (!parameters.some(({ name }) => name === "cursor") || parameters.some((one) => one.in === "path")) return;
    const first = await askAs(other, call, { path: {}, query: [["limit", "1"]], headers: {}, body: undefined });
    const cursor = /"next_cursor":"([^"]+)"/.exec(first.text)?.[1];
    if (cursor === undefined) return;
    const asked = (given: string) =>
      askAs(asking, call, { path: {}, query: [["cursor", given]], headers: {}, body: undefined });
    const theirs = await asked(cursor);
    expect(theirs.text).not.toContain(other.word);
    for (const id of ids) expect(theirs.text).not.toContain(id);
    const place = JSON.stringify(JSON.parse(Buffer.from(cursor, "base64url").toString()));
    const made = ids.reduce((now, id) => now.replaceAll(id, neighbour(id)), place);
    expect(said(theirs, cursor)).toEqual(said(await asked(Buffer.from(made).toString("base64url")), cursor));
  });
});

describe.each(titled(calls.filter((call) => requirementOf(call)?.scheme === "operator")))("%s", (_, call) => {
  it("is not for customers, whatever they name", async () => {
    const before = await fingerprints.take(other.customer.customerId);
    const replies = await Promise.all(
      naming(call)
        .slice(0, samples)
        .flatMap(({ parts, made }) => [
          askAs(asking, call, parts),
          ...ids.filter((id) => kindOf(id) === kindOf(made)).map((id) => askAs(asking, call, twin(parts, made, id))),
        ]),
    );
    const refusals = new Set(replies.map((reply) => JSON.stringify(said(reply, ""))));
    expect(replies.every(({ status }) => status === 403)).toBe(true);
    expect(refusals.size).toBeLessThanOrEqual(1);
    expect(await fingerprints.take(other.customer.customerId)).toEqual(before);
  });
});

const open = calls.filter(
  (call) => call.method === "GET" && [null, "metrics"].includes(requirementOf(call)?.scheme ?? null),
);

describe.each(titled(open))("%s", (_, call) => {
  it("shows nothing of any customer to who shows no token, or that of a customer", async () => {
    for (const authorization of ["", `Bearer ${asking.customer.key}`]) {
      const [parts] = sample(call, () => [], 1);
      if (parts === undefined) throw new Error("there is no sample");
      const { text: body } = await client.send(requestOf(call, parts, authorization));
      expect(body).not.toContain(other.word);
      for (const id of ids) expect(body).not.toContain(id);
    }
  });
});

describe("the other customer", () => {
  it("sees its own word wherever it can be seen, so that these tests could fail", async () => {
    const known = (_name: string, pattern: string) => ids.filter((id) => fits(pattern, id));
    const found: string[] = [];
    for (const call of ofCustomers.filter(({ method }) => method === "GET")) {
      const replies = await Promise.all(
        sample(call, known, bodiesTried).map((parts) => askAs(other, call, { ...parts, query: [] })),
      );
      if (replies.some(({ text: body }) => body.includes(other.word))) found.push(call.operation.operationId);
    }
    expect(found).toEqual(
      expect.arrayContaining([
        "getWorkload",
        "listWorkloads",
        "getWorkloadLogs",
        "getWorkloadAudit",
        "listWorkloadConfigs",
        "listApiKeys",
      ]),
    );
  });
});

/** Every operation that takes an Idempotency-Key, sent again: after an answer, without one, at once, and across a crash. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Stack } from "../../infra/local/stack.ts";
import { createIdSource, secureRandom } from "../../schema/ids.ts";
import { startApi } from "../support/api-fixture.ts";
import { codeOf } from "../support/crowd.ts";
import { documentOf, operationsOf } from "../support/documented.ts";
import { partExit } from "../support/journey.ts";
import type { RawReply } from "../support/raw-http.ts";
import { countRows, grown } from "../support/recount.ts";
import { askedUnder, closeOwner, newOwner, type Owner, type Prepared, repeatables } from "../support/repeatable.ts";
import { newCustomer, startTestStack } from "../support/stack.ts";

const atOnce = 20;
const lost = 5;
/** Their keys are the operator's own. */
const byOperator = ["createCustomer", "createCustomerApiKey"];
/** What may be asked twice without a key: it is so already, or says the same again. */
const repeatableByNature = ["drainWorker", "enrolWorker", "wakePool"];

const source = createIdSource(Date.now, secureRandom);
const newKey = () => source.message();

let stack: Stack;
let owner: Owner;
const owners: Owner[] = [];

async function anotherOwner(): Promise<Owner> {
  const another = await newOwner(stack);
  owners.push(another);
  return another;
}

beforeAll(async () => {
  // Nobody works here: nothing happens but what is asked.
  stack = await startTestStack({ agents: 0 });
  owner = await anotherOwner();
});

afterAll(async () => {
  for (const one of owners) closeOwner(one);
  await stack?.stop();
});

const send = (who: Owner, prepared: Prepared, key: string) => who[prepared.by].ask(askedUnder(prepared, key));

/** What an answer says; a secret is said once only. */
const said = ({ status, headers, text }: RawReply) => {
  const { api_key: _, ...body } = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  return { status, location: headers.location, body };
};
const secretsIn = (replies: readonly RawReply[]) => replies.filter(({ text }) => /"api_key":"/.test(text)).length;

async function effectOf(work: () => Promise<unknown>) {
  const before = await countRows(stack.dev.database_url);
  await work();
  return grown(before, await countRows(stack.dev.database_url));
}

/** What becomes of such a request when it is sent once. */
const effectOfOne = async (name: string) => {
  const prepared = await prepare(name);
  return effectOf(async () => expect((await send(owner, prepared, newKey())).status).toBeLessThan(300));
};

function operation(name: string) {
  const found = repeatables[name];
  if (found === undefined) throw new Error(`nobody has said how to ask for ${name}`);
  return found;
}
const prepare = (name: string, who = owner) => operation(name).prepare(who);

const names = Object.keys(repeatables);

describe("the document", () => {
  it("names a key for every operation that changes something, and all of them are asked here", async () => {
    const text = await (await (await startApi()).app.request("/openapi.json")).text();
    const calls = operationsOf(documentOf(text)).filter(({ method }) => method === "POST");
    const withKey = calls.filter(({ parameters }) => parameters.some((one) => one.name === "Idempotency-Key"));
    const namesOf = (some: typeof calls) => some.map(({ operation: { operationId } }) => operationId).toSorted();
    expect(namesOf(withKey)).toEqual(names.toSorted());
    expect(namesOf(calls)).toEqual([...names, ...repeatableByNature].toSorted());
  });
});

describe.each(names)("%s", (name) => {
  it("answers the same when it is sent again, and is done once", async () => {
    const prepared = await prepare(name);
    const key = newKey();
    const first = await send(owner, prepared, key);
    expect(first.status).toBeLessThan(300);
    const more = await effectOf(async () => {
      const again = await send(owner, prepared, key);
      expect(said(again)).toEqual(said(first));
      expect(secretsIn([again])).toBe(0);
    });
    expect(more).toEqual({});
  });

  it(`is done once when it comes ${atOnce} times at once`, async () => {
    const expected = await effectOfOne(name);
    const prepared = await prepare(name);
    const key = newKey();
    const replies: RawReply[] = [];
    const effect = await effectOf(async () => {
      const sent = Array.from({ length: atOnce }, () => send(owner, prepared, key));
      replies.push(...(await Promise.all(sent)));
    });
    expect(effect).toEqual(expected);
    const [first, ...others] = replies.map(said);
    for (const other of others) expect(other).toEqual(first);
    expect(first?.status).toBeLessThan(300);
    expect(secretsIn(replies)).toBe(/ApiKey$/.test(name) ? 1 : 0);
  });

  it("is refused under a key that another request came with, and does nothing", async () => {
    const prepared = await prepare(name);
    const key = newKey();
    await send(owner, prepared, key);
    const others = [await prepare(name)];
    if (prepared.other !== null) others.push({ ...prepared, body: prepared.other });
    const effect = await effectOf(async () => {
      for (const other of others) {
        const reply = await send(owner, other, key);
        expect({ status: reply.status, code: codeOf(reply) }).toEqual({ status: 409, code: "CONFLICT" });
      }
    });
    expect(effect).toEqual({});
  });

  it("is done once when nobody waited for its answers", async () => {
    const expected = await effectOfOne(name);
    const prepared = await prepare(name);
    const key = newKey();
    const effect = await effectOf(async () => {
      const asked = askedUnder(prepared, key);
      await Promise.all(Array.from({ length: lost }, () => owner[prepared.by].abandon(asked)));
      expect((await send(owner, prepared, key)).status).toBeLessThan(300);
    });
    expect(effect).toEqual(expected);
  });

  it("refuses a key that another operation was asked with", async () => {
    if (byOperator.includes(name)) return;
    const [first, second] = [await prepare(name), await prepare(nextTo(name))];
    const key = newKey();
    await send(owner, first, key);
    const effect = await effectOf(async () => {
      const reply = await send(owner, second, key);
      expect({ status: reply.status, code: codeOf(reply) }).toEqual({ status: 409, code: "CONFLICT" });
    });
    expect(effect).toEqual({});
  });

  it("knows nothing of the same key of another customer", async () => {
    const expected = await effectOfOne(name);
    if (name === "createCustomer") return; // there is one operator
    const stranger = await anotherOwner();
    const key = newKey();
    await send(stranger, await prepare(name, stranger), key);
    const prepared = await prepare(name);
    expect(await effectOf(() => send(owner, prepared, key))).toEqual(expected);
  });
});

describe.each(["createApiKey", "submitWorkload"])("%s under a key that the operator came with, too", (name) => {
  it("is done, and so is what the operator asked for, whoever comes first", async () => {
    for (const order of [
      [name, "createCustomerApiKey"],
      ["createCustomerApiKey", name],
    ]) {
      const key = newKey();
      for (const one of order) {
        const expected = await effectOfOne(one);
        const prepared = await prepare(one);
        expect(await effectOf(() => send(owner, prepared, key))).toEqual(expected);
      }
    }
  });
});

/** Of those whose keys belong to the customer. */
function nextTo(name: string): string {
  const all = names.filter((one) => !byOperator.includes(one));
  return all[(all.indexOf(name) + 1) % all.length] ?? name;
}

describe("a refusal", () => {
  it.each(names.filter((name) => operation(name).doom !== undefined))(
    "of %s is not remembered: without its cause, the same request under the same key is done",
    async (name) => {
      const doomed = await operation(name).doom?.(owner);
      if (doomed === undefined) throw new Error("it cannot be refused");
      const key = newKey();
      const first = await send(owner, doomed, key);
      if (doomed.refused === "each") expect(JSON.parse(first.text)).toMatchObject({ count: 0 });
      else expect(first.status).toBe(doomed.refused);
      await doomed.fix();
      const second = await send(owner, doomed, key);
      expect(second.status).toBeLessThan(300);
      if (doomed.refused === "each") expect(JSON.parse(second.text)).toMatchObject({ count: 2 });
      expect(said(await send(owner, doomed, key))).toEqual(said(second));
    },
  );

  it("for want of a customer is not remembered", async () => {
    const customerId = source.customer();
    const prepared = await prepare("createCustomerApiKey", { ...owner, customerId });
    const key = newKey();
    expect((await send(owner, prepared, key)).status).toBe(404);
    await newCustomer(stack, { customerId });
    expect((await send(owner, prepared, key)).status).toBe(201);
  });

  it("of a bad body leaves the key to a good one", async () => {
    const [path, idempotencyKey] = ["/v1/admin/customers", newKey()];
    expect((await owner.operator.ask({ path, body: { name: "" }, idempotencyKey })).status).toBe(400);
    expect((await owner.operator.ask({ path, body: { name: "good" }, idempotencyKey })).status).toBe(201);
  });

  it("of a customer that is suspended is not remembered, whatever it asked for", async () => {
    const suspended = await anotherOwner();
    const own = names.filter((name) => !byOperator.includes(name));
    const asked = await Promise.all(
      own.map(async (name) => ({ name, key: newKey(), prepared: await prepare(name, suspended) })),
    );
    await suspend(suspended, true);
    for (const { name, key, prepared } of asked) {
      expect({ name, status: (await send(suspended, prepared, key)).status }).toEqual({ name, status: 403 });
    }
    await suspend(suspended, false);
    for (const { name, key, prepared } of asked) {
      const reply = await sendUntil(suspended, prepared, key, ({ status }) => status !== 403);
      expect({ name, isDone: reply.status < 300 }).toEqual({ name, isDone: true });
    }
  });
});

const suspend = ({ operator, customerId }: Owner, suspended: boolean) =>
  operator.surely({ method: "PUT", path: `/v1/admin/customers/${customerId}`, body: { suspended } });

/** Again and again, as a client does that had no answer, or one that tells it to come again. */
async function sendUntil(who: Owner, prepared: Prepared, key: string, holds: (reply: RawReply) => boolean) {
  for (;;) {
    const reply = await send(who, prepared, key).catch(() => null);
    if (reply !== null && holds(reply)) return reply;
  }
}

const isAnswered = ({ status }: RawReply) => status < 500;

async function restartCoordinator(): Promise<void> {
  const gone = partExit(stack, "coordinator");
  stack.kill("coordinator");
  await gone;
  await stack.start("coordinator");
}

describe("when the coordinator is killed", () => {
  const prepareAll = () =>
    Promise.all(names.map(async (name) => ({ name, key: newKey(), prepared: await prepare(name) })));

  it("between a request and the same one again, all answers are the same, and nothing is done twice", async () => {
    const asked = await prepareAll();
    const before = await Promise.all(asked.map(({ prepared, key }) => send(owner, prepared, key)));
    expect(before.filter(({ status }) => status >= 300)).toEqual([]);
    const more = await effectOf(async () => {
      await restartCoordinator();
      const after = await Promise.all(asked.map((one) => sendUntil(owner, one.prepared, one.key, isAnswered)));
      expect(after.map(said)).toEqual(before.map(said));
    });
    expect(more).toEqual({});
  });

  it("while requests are under way, each is done once, and every answer is the same", async () => {
    const control = await prepareAll();
    const expected = await effectOf(() => Promise.all(control.map(({ prepared, key }) => send(owner, prepared, key))));
    const asked = await prepareAll();
    const effect = await effectOf(async () => {
      const first = Promise.withResolvers<void>();
      const sent = asked.flatMap((one) =>
        [one, one].map(async ({ prepared, key }) => {
          const reply = await send(owner, prepared, key).catch(() => null);
          first.resolve();
          return reply;
        }),
      );
      await first.promise;
      await restartCoordinator();
      const early = await Promise.all(sent);
      for (const [at, { name, prepared, key }] of asked.entries()) {
        const reply = await sendUntil(owner, prepared, key, isAnswered);
        expect({ name, isDone: reply.status < 300 }).toEqual({ name, isDone: true });
        for (const other of [early[2 * at], early[2 * at + 1]]) {
          if (other != null && isAnswered(other)) expect(said(other)).toEqual(said(reply));
        }
      }
    });
    expect(effect).toEqual(expected);
  });
});

/** Credentials for the broker, read as NATS's own library reads them. */
import { createAccount, createUser, decode, type User } from "@nats-io/jwt";
import { describe, expect, it } from "vitest";
import { createMint } from "../../../functions/broker/credentials.ts";
import { isOwnInbox, senderOf } from "../../../schema/messages/subjects.ts";
import { testIds } from "../../support/scripted-coordinator.ts";

const account = createAccount();
const signing = createAccount();
const seedOf = (key: typeof account) => new TextDecoder().decode(key.getSeed());
const now = () => 1_700_000_000_400;
const worker = testIds.worker();
const user = createUser().getPublicKey();

const mintWith = (seed: string, name: string | null) =>
  createMint({ accountSeed: seed, account: name, workerSeconds: 90, now, jwtId: () => "jwt-1" });

describe("a worker's credentials", () => {
  const { jwt, expiresAt } = mintWith(seedOf(signing), account.getPublicKey()).worker("gpu", worker, user);
  const claims = decode<User>(jwt);

  it("are signed by the signing key, for the account, and for one key of a user", () => {
    expect(claims).toMatchObject({ iss: signing.getPublicKey(), sub: user, name: worker, jti: "jwt-1" });
    expect(claims.nats).toMatchObject({ issuer_account: account.getPublicKey(), type: "user", version: 2 });
  });

  it("hold for no less than was promised, in whole seconds", () => {
    expect(claims).toMatchObject({ iat: 1_700_000_000, exp: 1_700_000_091 });
    expect(expiresAt).toBe(1_700_000_091_000);
  });

  it("allow its own subjects, one reply to each command, and nothing else", () => {
    const { pub, sub, resp } = claims.nats;
    expect(pub).toEqual({ allow: [`niyanta.gpu.coordinator.events.${worker}`, `niyanta.gpu.worker.${worker}.status`] });
    expect(sub).toEqual({
      allow: [
        `niyanta.gpu.worker.${worker}.commands`,
        "niyanta.gpu.coordinator.broadcast",
        `niyanta.gpu.inbox.${worker}.>`,
      ],
    });
    expect(resp).toEqual({ max: 1, ttl: 30_000_000_000 });
    expect(claims.nats).toMatchObject({ allowed_connection_types: ["WEBSOCKET"], payload: 1_048_576, subs: 16 });
    expect(claims.nats.bearer_token).toBeUndefined();
  });
});

it("names no account when the account's own key signs", () => {
  for (const name of [null, account.getPublicKey()]) {
    const claims = decode<User>(mintWith(seedOf(account), name).worker("gpu", worker, user).jwt);
    expect(claims.iss).toBe(account.getPublicKey());
    expect(claims.nats.issuer_account).toBeUndefined();
  }
});

it("gives a coordinator a new key each time, and the subjects of its pool", () => {
  const mint = mintWith(seedOf(account), null);
  const [first, second] = [mint.coordinator("gpu"), mint.coordinator("gpu")].map(({ jwt }) => decode<User>(jwt));
  expect(first?.sub).not.toBe(second?.sub);
  const subjects = [...(first?.nats.pub?.allow ?? []), ...(first?.nats.sub?.allow ?? [])];
  expect(subjects.filter((subject) => !subject.startsWith("niyanta.gpu."))).toEqual([]);
  expect(subjects).not.toContain("niyanta.gpu.>");
});

it("takes no seed that is none", () => {
  expect(() => mintWith(`SA${"A".repeat(56)}`, null)).toThrow(/nkeys/);
});

describe("the sender of a message", () => {
  it("is the worker in its subject", () => {
    const sender = { pool: "gpu", workerId: worker };
    expect(senderOf(`niyanta.gpu.coordinator.events.${worker}`)).toEqual(sender);
    expect(senderOf(`niyanta.gpu.worker.${worker}.status`)).toEqual(sender);
  });

  it.each([
    "niyanta.gpu.coordinator.events",
    "niyanta.gpu.coordinator.events.anybody",
    `niyanta.gpu.coordinator.events.${worker}.more`,
    `niyanta.GPU.coordinator.events.${worker}`,
    `niyanta.gpu.worker.${worker}.commands`,
    `other.gpu.worker.${worker}.status`,
    "",
  ])("is nobody in %s", (subject) => {
    expect(senderOf(subject)).toBe(null);
  });

  it("is answered in its own inbox only", () => {
    const sender = { pool: "gpu", workerId: worker };
    expect(isOwnInbox(sender, `niyanta.gpu.inbox.${worker}.a.b`)).toBe(true);
    const others = [
      `niyanta.gpu.inbox.${testIds.worker()}.a`,
      `niyanta.default.inbox.${worker}.a`,
      `niyanta.gpu.inbox.${worker}`,
      `niyanta.gpu.inbox.${worker}x.a`,
      "",
    ];
    for (const reply of others) expect(isOwnInbox(sender, reply)).toBe(false);
  });
});

/** The decisions of the local stack that need no process. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatTags } from "../../../infra/local/agent.ts";
import { writeCommandsFile } from "../../../infra/local/commands.ts";
import { heartbeatFor, parseDevFlags } from "../../../infra/local/dev-flags.ts";
import { natsConfig } from "../../../infra/local/nats.ts";
import { makeNatsAuthority } from "../../../infra/local/nats-authority.ts";
import { beginStatement } from "../../../infra/local/neon-sql.ts";
import { backoffMs } from "../../../infra/local/part.ts";
import { mayPass } from "../../../infra/local/postgres-user.ts";
import { identify, isSameProcess, signalProcess } from "../../../infra/local/process-identity.ts";
import { endLeftovers, runningSupervisor } from "../../../infra/local/process-ledger.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "niyanta-unit-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("flags of npm run dev", () => {
  const parse = (...flags: string[]) => parseDevFlags(["node", "dev", ...flags]);

  it("are what DESIGN says when none is given", () => {
    expect(parse()).toMatchObject({ agents: 2, slots: 10, fresh: false, detach: false, restart: true });
    expect(parse()).toMatchObject({ leaseSeconds: 15, heartbeatSeconds: 5, portChosen: false });
  });

  it("shorten the heartbeat with the lease", () => {
    expect(parse("--lease-seconds", "3").heartbeatSeconds).toBe(1);
    expect(heartbeatFor(60)).toBe(5);
  });

  it("know a port that was asked for from the usual one", () => {
    expect(parse("--port", "8787").portChosen).toBe(true);
  });
});

describe("a process identity", () => {
  it("is ours while we live, and nobody's with another start time", () => {
    const own = identify(process.pid, "test");
    expect(own && isSameProcess(own)).toBe(true);
    expect(signalProcess({ pid: process.pid, started: "another time", part: "test" }, "SIGKILL")).toBe(false);
  });
});

describe("what an earlier run left", () => {
  it("is left alone when its pid belongs to another process now", async () => {
    const path = join(folder, "processes.json");
    const stranger = { pid: process.pid, started: "another time", part: "nats" };
    writeFileSync(path, JSON.stringify({ supervisor: stranger, started: [stranger] }));
    expect(runningSupervisor(path)).toBeNull();
    expect(await endLeftovers(path)).toBe(0);
  });

  it("is nothing when the file is absent or torn", async () => {
    const path = join(folder, "processes.json");
    expect(await endLeftovers(path)).toBe(0);
    writeFileSync(path, '{"supervisor":');
    expect(runningSupervisor(path)).toBeNull();
  });
});

describe("the command of type shell", () => {
  const noScript = "the input has no text named script\n";
  const run = (input: unknown) => {
    const path = join(folder, "commands.json");
    writeCommandsFile(path);
    const [program, ...args] = JSON.parse(readFileSync(path, "utf8")).shell.command;
    const env = { ...process.env, NIYANTA_INPUT: JSON.stringify(input) };
    return execFileSync(program, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  };

  it("runs the script of the input, quotes and lines and all", () => {
    expect(run({ script: `echo "it's"\nprintf '%s' "$((6 * 7))"` })).toBe("it's\n42");
  });

  it("says with exit code 65 that the input has no script", () => {
    for (const input of [{}, null, "text", 5, { script: null }]) {
      expect(() => run(input)).toThrow(expect.objectContaining({ status: 65, stderr: noScript }));
    }
  });
});

it("waits longer after each short life, up to a bound", () => {
  expect([0, 1, 2, 20].map(backoffMs)).toEqual([100, 200, 400, 5_000]);
});

it("lets a user pass a folder by the bits of owner, group or others, whichever comes first", () => {
  const user = { uid: 10, gid: 20 };
  expect(mayPass(user, { mode: 0o700, uid: 0, gid: 0 })).toBe(false);
  expect(mayPass(user, { mode: 0o711, uid: 0, gid: 0 })).toBe(true);
  expect(mayPass(user, { mode: 0o701, uid: 0, gid: 20 })).toBe(false);
  expect(mayPass(user, { mode: 0o077, uid: 10, gid: 20 })).toBe(false);
});

it("writes tags as the agent reads them", () => {
  expect(formatTags({ region: "eu", gpu: "a100" })).toBe("region=eu,gpu=a100");
});

it("gives the broker no JetStream, no listener beyond this machine, and no user without a signature", async () => {
  const authority = await makeNatsAuthority();
  const config = natsConfig(1, 2, authority);
  expect(config).not.toMatch(/jetstream|no_auth_user|user:|token:/i);
  expect(config.match(/listen: "127\.0\.0\.1:/g)).toHaveLength(2);
  expect(config).toContain(`operator: "${authority.operatorJwt}"`);
  expect(config).not.toContain(authority.signingSeed);
});

it("begins a batch as its headers ask, and refuses a level that does not exist", () => {
  expect(beginStatement({})).toBe("BEGIN");
  expect(
    beginStatement({
      "neon-batch-isolation-level": "RepeatableRead",
      "neon-batch-read-only": "true",
      "neon-batch-deferrable": "true",
    }),
  ).toBe("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY DEFERRABLE");
  expect(() => beginStatement({ "neon-batch-isolation-level": "x; drop table" })).toThrow("no isolation level");
});

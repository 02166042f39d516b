/** A nats-server of a test's own: its ports, its config file, its end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { natsConfig, natsUrl } from "../../infra/local/nats.ts";
import { makeNatsAuthority, type NatsAuthority } from "../../infra/local/nats-authority.ts";
import { findNatsServer } from "../../infra/local/nats-program.ts";
import { findFreePorts } from "../../infra/local/ports.ts";
import { freezeProcess } from "./frozen.ts";

export interface TestNats {
  readonly url: string;
  readonly authority: NatsAuthority;
  /** Ends the server at once; `start` brings it back on the same ports, with nothing that it remembers. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Resolves when the server has stopped without a word: connections stay open, nothing answers. Ended by `kill`. */
  freeze(): Promise<void>;
  stop(): Promise<void>;
}

export async function startNats(): Promise<TestNats> {
  const program = findNatsServer();
  if (program === null) throw new Error("nats-server is not installed");
  const folder = await mkdtemp(join(tmpdir(), "niyanta-nats-"));
  const [port = 0, webSocketPort = 0] = await findFreePorts(2);
  const config = join(folder, "nats.conf");
  const authority = await makeNatsAuthority();
  await writeFile(config, natsConfig(port, webSocketPort, authority));
  let server = await launch(program, config);
  const kill = () => end(server);
  return {
    url: natsUrl(webSocketPort),
    authority,
    kill,
    start: async () => {
      server = await launch(program, config);
    },
    freeze: () => freezeProcess(server.pid ?? 0),
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves when the server says that it is ready. */
async function launch(program: string, config: string): Promise<ChildProcess> {
  const server = spawn(program, ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  for await (const chunk of server.stderr.iterator({ destroyOnReturn: false })) {
    said += String(chunk);
    if (said.includes("Server is ready")) break;
  }
  if (!said.includes("Server is ready")) throw new Error(`nats-server did not start: ${said}`);
  server.stderr.resume();
  return server;
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, "exit");
  server.kill("SIGKILL");
  await ended;
}

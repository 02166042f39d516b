/** Why a workload waits, what happens to it now, and what is kept of it. */
import { body, keeping, type Section } from "../step.ts";

const read = (what: string, id: string) => `curl -s $API/v1/workloads/${id}/${what} -H "$AUTH"`;

export const explain: Section = {
  title: "Explain",
  steps: [
    {
      say: "Nobody runs `report.render` yet, so this one waits.",
      run: keeping(
        `curl -s $API/v1/workloads -H "$AUTH" ${body('{"workload_type":"report.render"}')}`,
        "REPORT",
        "workload_id",
      ),
    },
    {
      say: "Why? The one rule that blocks it now, its place among what waits and is due, and a forecast where it was measured how fast slots come free.",
      run: read("explain", "$REPORT"),
    },
    {
      say: `Another reason: it must run on a worker with a tag that none has. The script is for \`shell\`, a type that only the local
stack has; a line with \`niyanta\` in it is a message to the agent, any other is a log line.`,
      run: `curl -s $API/v1/workloads -H "$AUTH" -H "$JSON" -d @- <<'END' | tee .niyanta/reply.json
{
  "workload_type": "shell",
  "input_params": { "script": "echo reading; sleep 1; echo '{\\"niyanta\\":\\"result\\",\\"data\\":{\\"pages\\":3}}'" },
  "affinity_rules": { "hard_affinity": { "worker_tags": { "gpu": "yes" } } }
}
END
SCRIPT=$(take workload_id)`,
    },
    { say: "`rule` is one of a closed list, `details` has its fields.", run: read("explain", "$SCRIPT") },
  ],
};

export const live: Section = {
  title: "Live updates",
  steps: [
    {
      say: `Server-sent events of one workload: \`hello\` says where it stands, the stream ends with it. Here it is moved to where it
may run while the stream is open. A lost stream goes on after its last \`id\` (header \`Last-Event-ID\`, or \`?cursor=\`),
without gap or repeat; 204 says that nothing will follow.`,
      run: `(sleep 1; curl -s $API/v1/workloads/$SCRIPT/move -H "$AUTH" ${body('{"affinity_rules":null}')} >.niyanta/reply.json) &
curl -sN $API/v1/workloads/$SCRIPT/events -H "$AUTH"`,
    },
    {
      say: `The same over a WebSocket, of one workload (\`/v1/ws/workloads/{id}\`) or of all (\`/v1/ws/workloads\`, without log lines
and results). The token stands in the header, in \`?token=\`, or in a first message; the text \`ping\` is answered with \`pong\`.
It is over already, so it is closed at once:`,
      run: `npx node --input-type=module - $API $KEY $SCRIPT <<'END'
const [api, key, id] = process.argv.slice(2);
const socket = new WebSocket(api.replace("http", "ws") + "/v1/ws/workloads/" + id);
socket.onopen = () => socket.send(JSON.stringify({ token: key }));
socket.onmessage = ({ data }) => console.log(JSON.parse(data).type);
socket.onclose = ({ code }) => console.log("closed with", code);
END`,
    },
    {
      say: "What each close code means is in [ERRORS.md](ERRORS.md#close-codes-of-a-websocket).",
    },
  ],
};

export const records: Section = {
  title: "Logs, audit, attempts, checkpoints",
  steps: [
    {
      say: "What it said, by `since`, `until`, `level` (and above), `limit` and cursor:",
      run: read("logs", "$SCRIPT"),
    },
    {
      say: `Every change, oldest first, written in the statement that made it; by \`limit\` and cursor. This is the job that was paused,
resumed and cancelled.`,
      run: read("audit", "$JOB"),
    },
    { say: "One row an attempt, oldest first, by `limit` and cursor:", run: read("attempts", "$JOB") },
    {
      say: "Its checkpoints, newest first; the last 10 are kept, and their bytes are the workers' alone.",
      run: read("checkpoints", "$JOB"),
    },
  ],
};

/** What a tour is made of: sections of steps, each a command that a reader types, and the reply that it got. */

export interface Step {
  /** Prose before the command, in Markdown. */
  readonly say: string;
  /** For bash, exactly as the reader types it; a step without one is prose only. */
  readonly run?: string;
  /** Repeated, unseen, until it succeeds: what comes about while a reader reads. */
  readonly after?: string;
}

export interface Section {
  readonly title: string;
  readonly steps: readonly Step[];
}

/** What a command did, as it came. */
export interface Outcome {
  /** Of its request; null: it made none, or several. */
  readonly status: number | null;
  readonly output: string;
}

export interface PerformedStep extends Step {
  readonly outcome: Outcome | null;
}

export interface PerformedSection {
  readonly title: string;
  /** Milliseconds since the epoch. */
  readonly begunAt: number;
  readonly steps: readonly PerformedStep[];
}

const read = (path: string, key: string) => `curl -s ${path} -H "Authorization: Bearer ${key}"`;

/** The workload in that shell variable has that status. */
export const once = (variable: string, status: string): string =>
  `${read(`$API/v1/workloads/$${variable}`, "$KEY")} | grep -q '"status":"${status}"'`;

/** Whoever shows that key gets an answer with this text in it. */
export const answered = (key: string, text: string): string => `${read("$API/v1/customer", key)} | grep -q '${text}'`;

/** A JSON body, as `-d` takes it. */
export const body = (text: string): string => `-H "$JSON" \\\n  -d '${text}'`;

/** Keeps the reply, and takes one of its fields into a variable. */
export const keeping = (command: string, variable: string, field: string): string =>
  `${command} \\\n  | tee .niyanta/reply.json\n${variable}=$(take ${field})`;

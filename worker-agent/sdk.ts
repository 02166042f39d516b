/** What the authors of workloads import: how a type is declared, what it is given, and how it says that it failed. */
import type { Json } from "../schema/json.ts";
import type { LogLevel } from "../schema/status.ts";

export type { Json } from "../schema/json.ts";

/** Why an attempt is asked to stop. */
export type AbortReason = "cancelled" | "paused" | "draining" | "timeout" | "fenced";

/** The `reason` of an aborted `context.signal`; throwing it again is the polite way to stop. */
export class AttemptAborted extends Error {
  override readonly name = "AbortError";
  readonly reason: AbortReason;
  constructor(reason: AbortReason) {
    super(`the attempt was asked to stop: ${reason}`);
    this.reason = reason;
  }
}

/** Never retried. */
export class PermanentError extends Error {
  override readonly name: string = "PermanentError";
  /** A brand instead of `instanceof`, so that two copies of this module understand each other. */
  readonly niyanta = "permanent";
}

/** Retried while the type's retries last; not before `retryAfterMs`, where it is given. */
export class TransientError extends Error {
  override readonly name: string = "TransientError";
  readonly niyanta = "transient";
  readonly retryAfterMs: number | null;
  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs?: number } = {}) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** What `saveCheckpoint` rejects with; the workload may catch it and go on. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  readonly code: CheckpointErrorCode;
  constructor(code: CheckpointErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
export type CheckpointErrorCode = "CHECKPOINT_TOO_LARGE" | "CHECKPOINT_INVALID" | "CHECKPOINT_REFUSED" | "FENCED";

/** A result of which some items failed: the workload is COMPLETED with `partial: true`. */
export class PartialResult<T = unknown> {
  readonly niyanta = "partial";
  readonly result: T;
  constructor(result: T) {
    this.result = result;
  }
}

/** What a checkpoint may hold. */
export type State = Json | Uint8Array;

export type WorkloadLog = Readonly<Record<LogLevel, (message: string, details?: Json) => void>>;

/** What an attempt is given, apart from its input and its last checkpoint. */
export interface AttemptContext {
  readonly workloadId: string;
  readonly workloadType: string;
  /** Rises with every attempt of this workload; give it to systems that can refuse an older one. */
  readonly fencingToken: number;
  readonly attempt: number;
  readonly config: Json;
  /** Aborted on cancel, pause, drain, time-out and fence; its reason is an `AttemptAborted`. */
  readonly signal: AbortSignal;
  readonly log: WorkloadLog;
  /** `percent` from 0 to 100. */
  progress(percent: number, message?: string): void;
  /** Resolves when the checkpoint is durable; rejects with a `CheckpointError`. */
  saveCheckpoint(state: State): Promise<void>;
  /** Says where the agent finds the state, for checkpoints by the type's policy and at pause and drain. */
  checkpointFrom(source: () => State | Promise<State>): void;
}

export interface WorkloadContext<Input = Json, Saved = State> extends AttemptContext {
  readonly input: Input;
  /** The newest complete checkpoint of this workload, or null. */
  readonly checkpoint: Saved | null;
}

/** A workload in stages; `checkpoint` is called while `execute` runs. */
export interface StagedWorkload<Input = Json, Saved = State> {
  init?(context: WorkloadContext<Input, Saved>, checkpoint: Saved | null): void | Promise<void>;
  execute(context: WorkloadContext<Input, Saved>): unknown;
  checkpoint?(): State | Promise<State>;
  close?(): void | Promise<void>;
}

/** What a zod schema offers; any other parser with this shape will do. */
export interface Parser<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: ParseProblem };
}
interface ParseProblem {
  readonly issues: ReadonlyArray<{ readonly path: readonly PropertyKey[]; readonly message: string }>;
}

interface Declaration<Input, Saved> {
  readonly type: string;
  /** Parses `input_params` before any code runs; a bad input is a permanent error. */
  readonly input?: Parser<Input>;
  /** Parses the checkpoint; without it the state comes back as it was saved. */
  readonly state?: Parser<Saved>;
  /** `inline` shares the agent's own thread: for work of microseconds only, and it cannot be ended by force. */
  readonly isolation?: "thread" | "inline";
  readonly memoryMb?: number;
}
export interface RunDeclaration<Input, Saved> extends Declaration<Input, Saved> {
  /** The value returned is the result. After an abort: throw, or return nothing, unless the work is complete. */
  run(context: WorkloadContext<Input, Saved>): unknown;
}
export interface StagedDeclaration<Input, Saved> extends Declaration<Input, Saved> {
  /** A class (one instance an attempt) or an object. */
  readonly workload: (new () => StagedWorkload<Input, Saved>) | StagedWorkload<Input, Saved>;
}

/** A declared type with its own types erased: what the agent works with. */
export interface WorkloadDefinition {
  readonly niyanta: "workload";
  readonly type: string;
  readonly isolation: "thread" | "inline";
  readonly memoryMb: number | null;
  /** Parses; nothing of the author's code has run before or inside. */
  open(input: unknown, checkpoint: unknown): OpenedWorkload | RefusedWorkload;
}
export interface OpenedWorkload {
  readonly ok: true;
  execute(context: AttemptContext): Promise<unknown>;
}
export interface RefusedWorkload {
  readonly ok: false;
  readonly code: "INVALID_INPUT" | "INVALID_CHECKPOINT";
  readonly problem: string;
}

export function defineWorkload<Input = Json, Saved = State>(
  declaration: RunDeclaration<Input, Saved> | StagedDeclaration<Input, Saved>,
): WorkloadDefinition {
  return {
    niyanta: "workload",
    type: declaration.type,
    isolation: declaration.isolation ?? "thread",
    memoryMb: declaration.memoryMb ?? null,
    open: (rawInput, rawState) => {
      const input = parse(declaration.input, rawInput);
      if (!input.ok) return { ok: false, code: "INVALID_INPUT", problem: input.problem };
      const state = rawState === null ? null : parse(declaration.state, rawState);
      if (state !== null && !state.ok) return { ok: false, code: "INVALID_CHECKPOINT", problem: state.problem };
      const given = { input: input.data, checkpoint: state === null ? null : state.data };
      return { ok: true, execute: (context) => execute(declaration, { ...context, ...given }) };
    },
  };
}

async function execute<Input, Saved>(
  declaration: RunDeclaration<Input, Saved> | StagedDeclaration<Input, Saved>,
  context: WorkloadContext<Input, Saved>,
): Promise<unknown> {
  if ("run" in declaration) return declaration.run(context);
  const { workload } = declaration;
  const staged = typeof workload === "function" ? new workload() : workload;
  try {
    await staged.init?.(context, context.checkpoint);
    if (staged.checkpoint !== undefined) context.checkpointFrom(staged.checkpoint.bind(staged));
    return await staged.execute(context);
  } finally {
    await staged.close?.();
  }
}

type Parsed<T> = { ok: true; data: T } | { ok: false; problem: string };

/** Without a parser the author's declared type is taken at its word: the only cast of the interface. */
function parse<T>(parser: Parser<T> | undefined, value: unknown): Parsed<T> {
  if (parser === undefined) return { ok: true, data: value as T };
  const parsed = parser.safeParse(value);
  if (parsed.success) return { ok: true, data: parsed.data };
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.map(String).join(".") || "input"}: ${message}`,
  );
  return { ok: false, problem: problems.join("; ") };
}

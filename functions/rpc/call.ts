/** Calling a Durable Object that may just be moving: what may be asked a second time, and when to give up. */

/** `absent`: the object could not be reached, or was reset before it answered. */
export type Called<T> = { kind: "answered"; value: T } | { kind: "absent"; cause: unknown };

export interface CallPolicy {
  /** Asking twice does no harm; else only a call that never arrived is made again. */
  readonly repeatable: boolean;
}

const has = (error: unknown, flag: string): boolean =>
  typeof error === "object" && error !== null && flag in error && Reflect.get(error, flag) === true;

/** Flags that the runtime sets; an error of the object's own code has none of them. */
const isAbsence = (error: unknown) =>
  has(error, "retryable") || has(error, "overloaded") || has(error, "durableObjectReset");

const neverArrived = (error: unknown) =>
  error instanceof Error && error.message.includes("Cannot resolve Durable Object");

/** More calls to an object that cannot follow would only make it worse. */
const worthRepeating = (error: unknown, { repeatable }: CallPolicy) =>
  !has(error, "overloaded") && (repeatable || neverArrived(error));

/** `call` must take a fresh stub each time: one that has seen a reset stays broken. Throws what the object itself threw. */
export async function callObject<T>(policy: CallPolicy, call: () => Promise<T>): Promise<Called<T>> {
  const first = await tryOnce(call);
  if (first.kind === "answered" || !worthRepeating(first.cause, policy)) return first;
  return tryOnce(call);
}

async function tryOnce<T>(call: () => Promise<T>): Promise<Called<T>> {
  try {
    return { kind: "answered", value: await call() };
  } catch (cause) {
    if (isAbsence(cause)) return { kind: "absent", cause };
    throw new Error("a Durable Object threw while it was called", { cause });
  }
}

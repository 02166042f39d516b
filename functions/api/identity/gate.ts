/** A door for one kind of credential: what was right is remembered for a while, what was wrong is counted. */
import { bearerTokenLengthMax } from "../../../schema/limits.ts";
import { createBoundedCache } from "../bounded-cache.ts";
import type { ApiDependencies } from "../context.ts";
import type { Checked } from "../errors.ts";
import type { Failures } from "./failures.ts";

/** What checking a credential has shown. */
export interface Verdict<T> {
  /** Null: it is wrong. */
  readonly value: T | null;
  /** Until when this may be said again without checking, in milliseconds. */
  readonly until: number;
}

export interface GateParts<T> extends Pick<ApiDependencies, "clock" | "background"> {
  readonly failures: Failures;
  /** Remembered credentials, right and wrong ones each: what is wrong pushes nothing out that is right. */
  readonly entriesMax: number;
  /** Throws StoreUnavailable or KeysUnavailable when nobody can say. */
  readonly verify: (token: string, now: number) => Promise<Verdict<T>>;
}

interface Right<T> {
  readonly value: T;
  readonly until: number;
  /** Halfway there: from then on it is checked beside a request that shows it, so that one in use makes nobody wait. */
  readonly checkAt: number;
  /** Is being checked, or was in vain. */
  isChecked: boolean;
}

/** `token` as it was shown, never empty. What `verify` throws passes through. */
export type Gate<T> = (token: string, address: string) => Promise<Checked<T>>;

const unauthenticated = { ok: false, refusal: { kind: "unauthenticated" } } as const;

/** An address that has shown too many wrong ones is asked for patience, but for what was right when it was last checked. */
export function createGate<T>({ clock, background, failures, entriesMax, verify }: GateParts<T>): Gate<T> {
  const right = createBoundedCache<string, Right<T>>(entriesMax);
  const wrong = createBoundedCache<string, number>(entriesMax);

  const check = async (token: string, now: number): Promise<Verdict<T>> => {
    const wrongUntil = wrong.get(token) ?? 0;
    if (token.length > bearerTokenLengthMax || now < wrongUntil) return { value: null, until: wrongUntil };
    return verify(token, now);
  };
  const remember = (token: string, { value, until }: Verdict<T>, now: number): Checked<T> => {
    if (value !== null) {
      right.set(token, { value, until, checkAt: now + (until - now) / 2, isChecked: false });
      return { ok: true, value };
    }
    right.delete(token);
    if (now < until) wrong.set(token, until);
    return unauthenticated;
  };
  const remembered = (token: string): Checked<T> | null => {
    const known = right.get(token);
    if (known === undefined || clock() >= known.until) return null;
    if (clock() >= known.checkAt && !known.isChecked) checkAhead(token, known);
    return { ok: true, value: known.value };
  };
  const checkAhead = (token: string, known: Right<T>): void => {
    known.isChecked = true;
    const now = clock();
    const learn = (verdict: Verdict<T>) => {
      const isNews = verdict.value === null || verdict.until > known.until;
      // A request that looked meanwhile knows better.
      if (isNews && right.get(token) === known) remember(token, verdict, now);
    };
    // Nobody could say: it is asked again with the request that finds it too old.
    background(verify(token, now).then(learn, () => undefined));
  };
  const judge = async (token: string): Promise<Checked<T>> => {
    const now = clock();
    return remembered(token) ?? remember(token, await check(token, now), now);
  };
  /** Of a token that was right once, so it is paid for only when it turns out wrong. */
  const judgeAgain = async (token: string, address: string): Promise<Checked<T>> => {
    const judged = await judge(token);
    if (!judged.ok) failures.count(address);
    return judged;
  };
  return async (token, address) => {
    const isKnown = right.get(token) !== undefined;
    if (isKnown) return remembered(token) ?? judgeAgain(token, address);
    const entry = await failures.enter(address);
    if (!entry.ok) return { ok: false, refusal: { kind: "rate_limited", retryAfterSeconds: entry.retryAfterSeconds } };
    const judging = judge(token);
    // Others wait for it to leave: so it comes to its end also when its client goes away.
    background(
      judging.then(
        ({ ok }) => entry.leave(!ok),
        () => entry.leave(false),
      ),
    );
    return judging;
  };
}

/** One thing at a time, in the order of asking: what makes a coordinator the single writer of its customer. */
export interface Lane {
  /** Runs `work` after all that was asked before; a failure is the caller's, and the lane goes on. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createLane(): Lane {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    run: (work) => {
      const result = tail.then(work, work);
      tail = result.catch(() => undefined);
      return result;
    },
  };
}

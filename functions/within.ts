/** A bound on a yes: whoever does not say it in time has said no. */

/** A failure is a no as well. */
export function within(ms: number, answer: Promise<boolean>): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (yes: boolean) => {
      clearTimeout(timer);
      resolve(yes);
    };
    const timer = setTimeout(() => settle(false), ms);
    answer.then(settle, () => settle(false));
  });
}

/** How the demo is stopped from outside: once in order, a second time at once. */

/** One Ctrl-C under npm arrives twice: from the terminal, and passed on by npm. */
const sameKeyMs = 500;

export function onSignals(target: NodeJS.Process, stop: AbortController, stopping: () => void): void {
  let firstAt = 0;
  const hear = () => {
    if (!stop.signal.aborted) {
      firstAt = performance.now();
      stopping();
      stop.abort();
    } else if (performance.now() - firstAt > sameKeyMs) target.exit(1); // the stack's watchdog ends the rest
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) target.on(signal, hear);
  // Whoever read our output is gone: nobody is left to tell.
  target.stdout.on("error", () => stop.abort());
}

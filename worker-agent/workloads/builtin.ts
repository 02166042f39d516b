/** The modules of the workload types that every worker brings along. */
export const builtinModules: readonly string[] = ["./noop.ts", "./sleep.ts", "./wordcount.ts"].map(
  (path) => new URL(path, import.meta.url).href,
);

/** Prometheus text of several pools as one: a metric's HELP and TYPE may stand only once, before all its samples. */

const header = /^# (?:HELP|TYPE) (\S+)/;

/** Each text names a metric before its samples, as every exporter does. */
export function mergeMetrics(texts: readonly string[]): string {
  const [only] = texts;
  if (only !== undefined && texts.length === 1) return only;
  const metrics = new Map<string, Set<string>>();
  for (const text of texts) collect(text, metrics);
  return [...metrics.values()].flatMap((lines) => [...lines].map((line) => `${line}\n`)).join("");
}

function collect(text: string, metrics: Map<string, Set<string>>): void {
  let lines = new Set<string>();
  for (const line of text.split("\n")) {
    const name = header.exec(line)?.[1];
    if (name !== undefined) {
      lines = metrics.get(name) ?? new Set();
      metrics.set(name, lines);
    }
    if (line !== "") lines.add(line);
  }
}

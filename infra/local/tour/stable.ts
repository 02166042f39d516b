/** Makes what differs from run to run the same: short names for ids, and times that count from one morning. */
import { nameTimes, timePattern, type Written } from "./stable-times.ts";

const letters: Readonly<Record<string, string>> = { wl: "a", cust: "c", wkr: "w", wlcfg: "t", key: "k" };

const idPattern = /(?<![a-z0-9])(wl|cust|wkr|wlcfg|key)_[0-9a-z]{26}(?![a-z0-9])/g;
const eventPattern = /(?<="event_id":\s*")\d+(?=")/g;

/** Secrets, tokens, cursors and ports: only how they begin is shown. */
const cuts: readonly (readonly [RegExp, string])[] = [
  [/\b(ny[a-z]_[a-z0-9_]+_)[0-9a-f]{72}\b/g, "$1…"],
  [/\breq_[0-9a-f-]{36}/g, "req_…"],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, "eyJ…"],
  [/((?:"(?:next_)?cursor":|^id:)\s*"?[\w-]{8})[\w-]+/gm, "$1…"],
  [/127\.0\.0\.1:\d+/g, "127.0.0.1:4223"],
];

/** Answers what each text becomes; the same id has the same name everywhere. */
export function stabilise(sections: readonly Written[]): (text: string) => string {
  const times = nameTimes(sections);
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  const nameOf = (given: string, kind: string, make: (count: number) => string): string => {
    const known = names.get(given) ?? make((counts.get(kind) ?? 0) + 1);
    if (!names.has(given)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    names.set(given, known);
    return known;
  };
  const nameId = (id: string, kind: string) => nameOf(id, kind, (count) => `${kind}_…${letters[kind]}${count}`);
  return (text) =>
    cuts
      .reduce((cut, [pattern, by]) => cut.replaceAll(pattern, by), text)
      .replaceAll(idPattern, nameId)
      .replaceAll(eventPattern, (id) => nameOf(`event ${id}`, "event", String))
      .replaceAll(timePattern, (time) => times.get(time) ?? time);
}

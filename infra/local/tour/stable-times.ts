/** Times that are the same in every run: each section of a tour has its minute, inside it they keep their order. */

export const timePattern = /\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;
const midnight = "T00:00:00.000Z";

const begin = Date.parse("2026-11-23T09:00:00.000Z");
const dayMs = 86_400_000;
const sectionMs = 60_000;
const stepMs = 250;
/** Of what is to come: as far ahead as somebody asked for, not to the millisecond. */
const aheadMsUnit = 10_000;

/** What a section typed, and what it got. */
export interface Written {
  /** Milliseconds since the epoch. */
  readonly begunAt: number;
  readonly typed: string;
  readonly output: string;
}

/** What each time is called. One that was typed keeps its name. */
export function nameTimes(sections: readonly Written[]): Map<string, string> {
  const typed = sections.map((section) => section.typed).join("\n");
  const names = new Map<string, string>();
  const found = new Set(sections.flatMap(({ output }) => output.match(timePattern) ?? []));
  const times = [...found].filter((time) => !typed.includes(time.slice(0, "2026-11-23T09:00".length))).sort();
  const steps = new Map<number, number>();
  for (const time of times) names.set(time, new Date(placeOf(time, sections, steps)).toISOString());
  return names;
}

/** `steps`: how many times each section has placed so far. */
function placeOf(time: string, sections: readonly Written[], steps: Map<number, number>): number {
  const at = Date.parse(time);
  const first = Math.max(
    0,
    sections.findIndex(({ output }) => output.includes(time)),
  );
  const next = sections[first + 1]?.begunAt ?? Number.POSITIVE_INFINITY;
  const ahead = Math.round((at - Math.min(next, at)) / aheadMsUnit) * aheadMsUnit;
  if (time.endsWith(midnight)) return dayOf(at, sections[first]?.begunAt ?? at);
  if (ahead > 0) return begin + first * sectionMs + ahead;
  const section = Math.max(
    0,
    sections.findLastIndex(({ begunAt }) => begunAt <= at),
  );
  const step = steps.get(section) ?? 0;
  steps.set(section, step + 1);
  return begin + section * sectionMs + step * stepMs;
}

/** As many days before, or after, the one that all of this happens on. */
const dayOf = (at: number, today: number): number => dayStart(begin) + dayStart(at) - dayStart(today);

const dayStart = (at: number): number => Math.floor(at / dayMs) * dayMs;

/** Times as they come in: only those that the database and ISO 8601 with four digits of year can both hold. */

const timeMsMin = Date.UTC(1970, 0, 1);
const timeMsMax = Date.UTC(9999, 11, 31);

export function timeProblem(text: string): string | null {
  const at = Date.parse(text);
  return at >= timeMsMin && at <= timeMsMax ? null : "a time outside of the years 1970 to 9999";
}

export const isoTime = (at: number): string => new Date(at).toISOString();

/** Of ends that may never come, the first. */
export function earliest(...ends: readonly (number | null)[]): number | null {
  const known = ends.filter((end) => end !== null);
  return known.length === 0 ? null : Math.min(...known);
}

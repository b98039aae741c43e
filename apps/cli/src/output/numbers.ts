/** Formats a time in the unit that reads best: `85 µs`, `1.72 ms`, `480 ms`, `2.10 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 0.9995) return `${(milliseconds * 1000).toFixed(0)} µs`;
  if (milliseconds < 999.5) return `${milliseconds.toPrecision(3)} ms`;
  return `${(milliseconds / 1000).toPrecision(3)} s`;
}

/** A share in whole percent; one that is not finite is over any bound. */
export function percent(share: number): string {
  if (share < 0) return '–';
  return Number.isFinite(share) ? `${(100 * share).toFixed(0)}%` : '∞';
}

/** Time that a contestant would take on a workload, in milliseconds. */
export interface Need {
  /** Time until it computes. */
  readonly start: number;
  /** Time of the fewest runs that count, and of all that are asked for. */
  readonly least: number;
  readonly most: number;
}

/** Share of a contestant. */
export type Share =
  /** Time that it may compute. */
  | { readonly enters: true; readonly computingMs: number }
  /** It would need more than the time left for it. */
  | { readonly enters: false; readonly leftMs: number };

/**
 * Divides the time for a workload among contestants: the cheapest enter first, as many as there is time for, and have
 * equal parts of the rest. One that starts may compute as long as starting takes, whatever was forecast.
 */
export function sharesOf(milliseconds: number, needs: readonly Need[]): Share[] {
  const cost = ({ start, least }: Need): number => start + least;
  const entering = new Set<Need>();
  let left = Math.max(0, milliseconds);
  for (const need of [...needs].sort((a, b) => cost(a) - cost(b))) {
    if (cost(need) > left) break;
    left -= cost(need);
    entering.add(need);
  }
  const part = equalPart(
    left,
    [...entering].map(({ least, most }) => most - least),
  );
  return needs.map((need) =>
    entering.has(need)
      ? { enters: true, computingMs: Math.max(need.start, need.least + part) }
      : { enters: false, leftMs: left },
  );
}

/** Equal part for each; those that ask for less leave the rest to the others. Infinite if there is enough for all. */
function equalPart(whole: number, wishes: readonly number[]): number {
  let left = whole;
  let others = wishes.length;
  for (const wish of [...wishes].sort((a, b) => a - b)) {
    if (wish * others > left) return left / others;
    left -= wish;
    others--;
  }
  return Infinity;
}

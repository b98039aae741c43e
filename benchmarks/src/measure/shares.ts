/** What a contestant would take on a workload, in milliseconds. */
export interface Need {
  /** Until it computes. */
  readonly start: number;
  /** The fewest runs that count, and all that are wished for. */
  readonly least: number;
  readonly most: number;
}

/** What a contestant gets. */
export type Share =
  /** How long it may compute. */
  | { readonly enters: true; readonly computingMs: number }
  /** It would need more than what is left for it. */
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

/** The part of each so that who wishes for less leaves the rest to the others: infinite when there is enough for all. */
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

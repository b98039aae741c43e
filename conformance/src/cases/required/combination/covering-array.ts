import { type Random, randomFrom } from '../../../random.ts';

/** Factors by name, with the number of levels of each. */
export type Factors = readonly number[];

/**
 * Rows of levels in which every triple of levels of three factors occurs: almost every fault of combinations shows in
 * the interaction of at most three (Kuhn, Wallace and Gallo, "Software fault interactions", 2004). Greedy: each row is
 * the one of many random rows that covers most of what is not yet covered.
 */
export function coverTriples(factors: Factors, candidates = 30): number[][] {
  const random = randomFrom('covering array');
  const triples = triplesOf(factors.length);
  const open = openTriples(factors, triples);
  const rows: number[][] = [];
  while (open.size > 0) {
    let best: number[] = [];
    let most = -1;
    const forced = firstOf(open);
    for (let n = 0; n < candidates; n++) {
      const row = candidateRow(factors, forced, random);
      const gain = triples.reduce((sum, triple) => sum + (open.has(keyOf(triple, row)) ? 1 : 0), 0);
      if (gain > most) [best, most] = [row, gain];
    }
    for (const triple of triples) open.delete(keyOf(triple, best));
    rows.push(best);
  }
  return rows;
}

type Triple = readonly [number, number, number];

function triplesOf(count: number): Triple[] {
  const result: Triple[] = [];
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      for (let c = b + 1; c < count; c++) result.push([a, b, c]);
    }
  }
  return result;
}

/** A triple of factors with its levels, as one integer: factors and levels are fewer than 32. */
function keyOf([a, b, c]: Triple, row: readonly number[]): number {
  return ((((a * 32 + b) * 32 + c) * 32 + row[a]!) * 32 + row[b]!) * 32 + row[c]!;
}

function openTriples(factors: Factors, triples: readonly Triple[]): Set<number> {
  const open = new Set<number>();
  const row = factors.map(() => 0);
  for (const triple of triples) {
    const [a, b, c] = triple;
    for (row[a] = 0; row[a]! < factors[a]!; row[a]!++) {
      for (row[b] = 0; row[b]! < factors[b]!; row[b]!++) {
        for (row[c] = 0; row[c]! < factors[c]!; row[c]!++) open.add(keyOf(triple, row));
      }
    }
  }
  return open;
}

function firstOf(open: ReadonlySet<number>): readonly [factor: number, level: number][] {
  const [key] = open as unknown as [number];
  const digit = (place: number): number => Math.floor(key / 32 ** place) % 32;
  return [
    [digit(5), digit(2)],
    [digit(4), digit(1)],
    [digit(3), digit(0)],
  ];
}

function candidateRow(
  factors: Factors,
  forced: readonly (readonly [factor: number, level: number])[],
  random: Random,
): number[] {
  const row = factors.map((levels) => random.below(levels));
  for (const [factor, level] of forced) row[factor] = level;
  return row;
}

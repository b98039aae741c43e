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
  const triples = triplesOf(factors);
  const last = triples.at(-1);
  const isOpen = new Uint8Array(
    last === undefined ? 0 : last.begin + factors.slice(-3).reduce((a, b) => a * b),
  ).fill(1);
  const rows: number[][] = [];
  for (let first = isOpen.indexOf(1); first >= 0; first = isOpen.indexOf(1, first)) {
    let best: number[] = [];
    let most = -1;
    const forced = levelsAt(first, factors, triples);
    for (let n = 0; n < candidates; n++) {
      const row = candidateRow(factors, forced, random);
      let gain = 0;
      for (const triple of triples) gain += isOpen[placeOf(triple, factors, row)]!;
      if (gain > most) [best, most] = [row, gain];
    }
    for (const triple of triples) isOpen[placeOf(triple, factors, best)] = 0;
    rows.push(best);
  }
  return rows;
}

/** Three factors; their levels have places from `begin` on. */
interface Triple {
  readonly of: readonly [number, number, number];
  readonly begin: number;
}

function triplesOf(factors: Factors): Triple[] {
  const result: Triple[] = [];
  let begin = 0;
  for (let a = 0; a < factors.length; a++) {
    for (let b = a + 1; b < factors.length; b++) {
      for (let c = b + 1; c < factors.length; c++) {
        result.push({ of: [a, b, c], begin });
        begin += factors[a]! * factors[b]! * factors[c]!;
      }
    }
  }
  return result;
}

function placeOf({ of: [a, b, c], begin }: Triple, factors: Factors, row: readonly number[]): number {
  return begin + (row[a]! * factors[b]! + row[b]!) * factors[c]! + row[c]!;
}

/** The factors of a place and their levels. */
function levelsAt(
  place: number,
  factors: Factors,
  triples: readonly Triple[],
): readonly [factor: number, level: number][] {
  const { of, begin } = triples.findLast((triple) => triple.begin <= place)!;
  const [a, b, c] = of;
  const ofLast = factors[c]!;
  const rest = Math.floor((place - begin) / ofLast);
  return [
    [a, Math.floor(rest / factors[b]!)],
    [b, rest % factors[b]!],
    [c, (place - begin) % ofLast],
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

import { type Block, type Code, type Variable, after, i32, int, v128 } from '@heed/core/wasm';
import type { Element } from '../module/element.ts';
import { minimum, place } from '../module/context.ts';

/** Number of vectors that a turn of an inner loop handles: as many as divide the row, and no more than a maximum. */
export function unrolled(vectors: number, maximum = 16): number {
  return [16, 8, 4, 2, 1].find((turns) => turns <= maximum && vectors % turns === 0)!;
}

/** Addresses of rows from row `first` on; those past the last one are the last one. */
export function rowAddresses(
  rows: readonly Variable<'i32'>[],
  { base, first, last, step }: Record<'base' | 'first' | 'last' | 'step', Variable<'i32'>>,
): Block {
  return rows.map((row, n) => [
    row.set(n === 0 ? first : i32.add(first, int(n))),
    row.set(minimum(row, last)),
    row.set(place(base, row, step)),
  ]);
}

/** The sums of the lanes of as many vectors as a vector has lanes, as one vector. */
export function sumsOfLanes(
  { lanes, vector }: Element,
  [a, b, c, d]: readonly Variable<'v128'>[],
): Code<'v128'> {
  const words = (...order: number[]): number[] =>
    order.flatMap((word) => [0, 1, 2, 3].map((n) => 4 * word + n));
  if (lanes === 2) {
    return vector.add(v128.shuffle(a, b, words(0, 1, 4, 5)), v128.shuffle(a, b, words(2, 3, 6, 7)));
  }
  const pairs = (x: Code<'v128'>, y: Code<'v128'>): Code<'v128'> =>
    vector.add(v128.shuffle(x, y, words(0, 4, 1, 5)), v128.shuffle(x, y, words(2, 6, 3, 7)));
  return after(
    [a.set(pairs(a, b)), c.set(pairs(c, d))],
    vector.add(v128.shuffle(a, c, words(0, 1, 4, 5)), v128.shuffle(a, c, words(2, 3, 6, 7))),
  );
}

import type { Element } from './element.ts';
import { TILE_KEYS, type Tiling } from './tiling.ts';
import { RECORD_BYTES } from './rows.ts';
import { type Variant, partsOf } from './variant.ts';

/** Where everything lies in a thread's scratch, in bytes from its start. */
export interface Scratch {
  /** [blockRows]: see `rows.ts`. */
  readonly records: number;
  /** [rows]: what the softmax multiplies the output of a group of rows by. */
  readonly factors: number;
  /** [blockRows / rows, headDim, rows]: queries, times the scale. */
  readonly query: number;
  /** [rows, scoreStride]: scores, then exponentials, of a group of rows with the keys of a tile. */
  readonly scores: number;
  /** [blockRows, valueColumns]: the output before its division by the row sum. */
  readonly output: number;
  /** Four random words. */
  readonly noise: number;
  readonly bytes: number;
}

export function scratchOf(variant: Variant, tiling: Tiling, { bytes }: Element): Scratch {
  const { rows, blockRows, scoreStride, valueColumns } = tiling;
  let next = 0;
  const take = (size: number): number => {
    const at = next;
    next += Math.ceil(size / 64) * 64;
    return at;
  };
  const { sumsValues } = partsOf(variant);
  return {
    records: take(blockRows * RECORD_BYTES),
    factors: take(rows * bytes),
    query: take((blockRows + rows) * variant.headDim * bytes),
    scores: take(rows * scoreStride * bytes),
    output: take(sumsValues ? (blockRows + rows) * valueColumns * bytes : 0),
    noise: take(variant.selection === 'sample' ? 16 : 0),
    bytes: take(TILE_KEYS),
  };
}

import type { Variant } from './variant.ts';

/** Query rows in a block, which a item computes: a multiple of both register tiles. */
export const BLOCK_ROWS = 96;
/** Read keys and values in place when a key/value head has at most this many query rows. */
export const DIRECT_ROWS = 8;

/** Keys of a split, rounded down to whole tiles. */
export const SPLIT_KEYS = 4096;
/** Split the keys when a key/value head has at most this many query rows. */
export const SPLIT_ROWS: number = 2 * BLOCK_ROWS;

/** Sizes that are constants of a module. */
export interface Tiling {
  /** Rows of the register tile; 1 where there is none. */
  readonly rows: number;
  /** Columns of the register tile: two vectors. */
  readonly columns: number;
  readonly blockRows: number;
  /** Keys in a tile. */
  readonly tileKeys: number;
  /** Value columns, padded to whole register tiles. */
  readonly valueColumns: number;
  /** Head dimension, padded to whole register tiles. */
  readonly keyColumns: number;
  /** Elements from one row of scores to the next. Not a power of two, or the rows would share cache sets. */
  readonly scoreStride: number;
}

/**
 * Forward a tile has 384 keys: at 64 float32 a row its keys and its values take 96 KiB each, of the second-level cache.
 * The gradient keeps two matrices of a block with a tile there as well, 36 KiB each. Both numbers are multiples of the
 * register tiles, whichever way they lie.
 *
 * Without packing a tile has 512 keys: memory is fastest in long stretches, and 128 KiB each of keys and values still
 * share the second-level cache, where several query rows read them again.
 *
 * With fused multiply-add a tile of 6 × 2 vectors takes 12 registers, two more for the columns and one for a row: all
 * 15 that engines leave on x64. Without it the product needs one too, and older engines spill beyond 4 × 2.
 */
export function tilingOf({ pass, relaxed, dtype, headDim, valueDim, direct }: Variant): Tiling {
  const tileKeys = direct ? 512 : pass === 'gradient' ? 96 : 384;
  const columns = dtype === 'float32' ? 8 : 4;
  const roundUp = (n: number): number => Math.ceil(n / columns) * columns;
  return {
    rows: direct ? 1 : relaxed ? 6 : 4,
    columns,
    blockRows: direct ? DIRECT_ROWS : BLOCK_ROWS,
    tileKeys,
    valueColumns: roundUp(valueDim),
    keyColumns: roundUp(headDim),
    scoreStride: tileKeys + columns,
  };
}

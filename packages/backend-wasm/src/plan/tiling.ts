import { tileVectorsOf } from '../module/element.ts';
import type { Variant } from './variant.ts';

/** Query rows of a block. */
export const BLOCK_ROWS = 96;
/** Keys of a tile: packed forward, packed for the gradient, and read in place. */
const TILE_KEYS = 384;
const GRADIENT_TILE_KEYS = 96;
const DIRECT_TILE_KEYS = 512;

/** Read keys and values in place when a key/value head has at most this many query rows. */
export const DIRECT_ROWS = 8;

/** Keys of a split, rounded down to whole tiles. */
export const SPLIT_KEYS = 4096;
/** Read keys and values ahead when there are at least this many numbers; the last-level cache has fewer of them. */
export const AHEAD_NUMBERS: number = 2 ** 22;
/** Keys in pages that are read ahead at one time, whole tiles. */
export const AHEAD_KEYS = 512;
/** Pages that are read ahead at the same time. */
export const PAGES_ABREAST = 4;
/** Split the keys when a key/value head has at most this many query rows. */
export const SPLIT_ROWS: number = 2 * BLOCK_ROWS;

/** Sizes that are constants of a module. */
export interface Tiling {
  /** Rows that are worked on together: those of the register tile, or those that share the loads of a key in place. */
  readonly rows: number;
  /** Columns of the register tile: two vectors, or four that the engine joins in pairs. */
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
 * `forward/README.md` lists the alternatives that were tried, with their speed; `scripts/tiles.mjs` measures them.
 *
 * Forward, a tile of 384 keys of 64 float32 takes 96 KiB of keys and as much of values, in the second-level cache; the
 * scores of a row group with it, 9 KiB, stay in the first. The gradient keeps two matrices of a block with a tile there as
 * well, 36 KiB each at 96 × 96. Rows and keys of both are multiples of the register tiles, whichever way they lie.
 *
 * In place a tile has 512 keys: memory is fastest in long stretches, and 128 KiB each of keys and values still share the
 * second-level cache, where several query rows read them again. So do panels, to which smaller numbers that several rows read are
 * widened first.
 *
 * With fused multiply-add a register tile of 6 × 2 vectors takes 12 registers, two more for the columns and one for a row:
 * all 15 that engines leave on x64. Without it the product needs one too, and older engines spill beyond 4 × 2. Where the engine joins
 * two vectors in one register (`platform/wide.ts`), tiles are four vectors wide, which are as many registers.
 */
export function tilingOf(variant: Variant): Tiling {
  const { pass, relaxed, wide, dtype, headDim, valueDim, direct, one } = variant;
  const tileKeys = direct ? DIRECT_TILE_KEYS : pass === 'gradient' ? GRADIENT_TILE_KEYS : TILE_KEYS;
  const columns = tileVectorsOf(wide) * (dtype === 'float32' ? 4 : 2);
  const roundUp = (n: number): number => Math.ceil(n / columns) * columns;
  return {
    rows: direct ? (one ? 1 : 2) : relaxed ? 6 : 4,
    columns,
    blockRows: direct ? DIRECT_ROWS : BLOCK_ROWS,
    tileKeys,
    valueColumns: roundUp(valueDim),
    keyColumns: roundUp(headDim),
    scoreStride: tileKeys + columns,
  };
}

import type { Element } from '../module/element.ts';
import { AHEAD_KEYS, PAGES_ABREAST, type Tiling } from './tiling.ts';
import { RECORD_BYTES } from './records.ts';
import { type Variant, needsOf } from './variant.ts';

/** Layout of a thread's scratch, in bytes from its start. */
export interface Scratch {
  /** [blockRows]: see `rows.ts`. */
  readonly records: number;
  /** [rows]: factors of the softmax for the output of a group of rows. */
  readonly factors: number;
  /** [blockRows / rows, headDim, rows], without packing [blockRows, headDim]: queries, times the scale. */
  readonly query: number;
  /** [rows, scoreStride]: scores, then exponentials, of a group of rows with the keys of a tile; of all, in the gradient. */
  readonly scores: number;
  /** [blockRows, valueColumns]: the output before its division by the row sum. */
  readonly output: number;
  /** Four random words. */
  readonly noise: number;
  /** [scoreStride]: factors of dropout of a row with the keys of a tile. */
  readonly kept: number;
  /** Without packing. [rows, valueDim]: sums of a tile's values; [tileKeys, valueDim]: values, 0 where non-finite. */
  readonly partial: number;
  readonly values: number;
  /** The same of 16-bit types. [tileKeys, headDim] and [tileKeys, valueDim]: the tile's keys and values, widened. */
  readonly wideKeys: number;
  readonly wideValues: number;
  /** [max(headDim, valueDim)]: a key or a value that is made. */
  readonly row: number;
  /** [max(headDim, valueDim)]: zeros, the row of keys without a page. */
  readonly zeros: number;
  /** [tileKeys]: bytes that say which keys of the tile have no page. */
  readonly pageless: number;
  /** [pages that a tile has keys in]: their numbers, to be read ahead. */
  readonly pageList: number;
  /** In a ring. [tileKeys]: entries of a row of mask, bias or segments in the order of the tile's keys. */
  readonly maskColumns: number;
  readonly biasColumns: number;
  readonly segmentColumns: number;
  /** For the gradient. [blockRows / rows, valueDim, rows]: gradients of the output. */
  readonly dOutput: number;
  /** [blockRows, keyColumns] and [blockRows, valueColumns]: queries, times the scale, and gradients of the output. */
  readonly queryRows: number;
  readonly dOutputRows: number;
  /** [blockRows, keyColumns] */
  readonly dQuery: number;
  /** [blockRows, scoreStride]: gradients of weights, then of scores, of a block with the keys of a tile. */
  readonly dScores: number;
  /** [blockRows, scoreStride] with a softcap: its derivative. */
  readonly slopes: number;
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
  const { sumsValues } = needsOf(variant);
  const gradient = variant.pass === 'gradient';
  const { ring } = variant;
  const made = variant.pages !== null || variant.groups !== null || ring;
  const wide = variant.direct && variant.cache !== variant.dtype;
  const allRows = blockRows + rows;
  const inGradient = (elements: number): number => take(gradient ? allRows * elements * bytes : 0);
  return {
    records: take(allRows * RECORD_BYTES),
    factors: take(rows * bytes),
    query: take(allRows * variant.headDim * bytes),
    scores: take((gradient ? allRows : rows) * scoreStride * bytes),
    output: take(sumsValues ? allRows * valueColumns * bytes : 0),
    noise: take(variant.selection === 'sample' || variant.dropout ? 16 : 0),
    kept: take(variant.dropout ? scoreStride * bytes : 0),
    partial: take(variant.direct ? rows * variant.valueDim * bytes : 0),
    values: take(variant.direct ? tiling.tileKeys * variant.valueDim * bytes : 0),
    wideKeys: take(wide ? tiling.tileKeys * variant.headDim * bytes : 0),
    wideValues: take(wide ? tiling.tileKeys * variant.valueDim * bytes : 0),
    row: take(made ? Math.max(variant.headDim, variant.valueDim) * bytes : 0),
    zeros: take(variant.pages === null ? 0 : Math.max(variant.headDim, variant.valueDim) * bytes),
    pageless: take(variant.pages === null ? 0 : tiling.tileKeys),
    pageList: take(variant.pages === null ? 0 : 4 * (AHEAD_KEYS / variant.pages + 1 + PAGES_ABREAST)),
    maskColumns: take(ring && variant.mask !== null ? scoreStride * bytes : 0),
    biasColumns: take(ring && variant.bias ? scoreStride * bytes : 0),
    segmentColumns: take(ring && variant.segments ? scoreStride * 4 : 0),
    dOutput: inGradient(variant.valueDim),
    queryRows: inGradient(tiling.keyColumns),
    dOutputRows: inGradient(valueColumns),
    dQuery: inGradient(tiling.keyColumns),
    dScores: inGradient(scoreStride),
    slopes: inGradient(variant.softcap ? scoreStride : 0),
    bytes: take(0),
  };
}

import type { AttentionProblem } from '@heed/core';
import { MINUS_INFINITY } from '../memory/finite.ts';
import type { Tile } from '../plan/tiles.ts';

/** Results that have one number a row, `[B, Hq, Lq]`: read from the device tile by tile, and kept on the host. */
export interface RowResults {
  readonly rowMax: Float32Array;
  readonly rowSum: Float32Array;
  readonly choice: Int32Array;
}

export function newRowResults({ batch, heads, queryLength }: AttentionProblem): RowResults {
  const rows = batch * heads * queryLength;
  return { rowMax: new Float32Array(rows), rowSum: new Float32Array(rows), choice: new Int32Array(rows) };
}

/** Stores the numbers of a tile, `[tileSlices, tileRows]`, at their places. */
export function place(
  target: Float32Array | Int32Array,
  part: Float32Array,
  { firstSlice, tileSlices, firstRow, tileRows }: Tile,
  queryLength: number,
): void {
  for (let s = 0; s < tileSlices; s++) {
    target.set(part.subarray(s * tileRows, (s + 1) * tileRows), (firstSlice + s) * queryLength + firstRow);
  }
}

/** Reads the numbers of a tile: the inverse of the above. */
export function take(
  source: Float32Array,
  { firstSlice, tileSlices, firstRow, tileRows }: Tile,
  queryLength: number,
): Float32Array {
  const part = new Float32Array(tileSlices * tileRows);
  for (let s = 0; s < tileSlices; s++) {
    const from = (firstSlice + s) * queryLength + firstRow;
    part.set(source.subarray(from, from + tileRows), s * tileRows);
  }
  return part;
}

/** The row maxima with −∞ in empty rows. */
export function rowMaxima({ rowMax }: RowResults): Float32Array {
  return rowMax.map((maximum) => (maximum === MINUS_INFINITY ? -Infinity : maximum));
}

/** Maximum + ln sum, rounded once. */
export function logSumExp({ rowMax, rowSum }: RowResults): Float32Array {
  return rowMax.map((maximum, row) => (rowSum[row] === 0 ? -Infinity : maximum + Math.log(rowSum[row]!)));
}

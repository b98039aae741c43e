import type { DType, Tensor } from '@heed/core';
import { halfTable, isHalf } from '@heed/core/backend';
import type { Heap } from './heap.ts';

/** Array types for the computation of results. */
export type FloatArray = Float32Array | Float64Array;

/** Rows of a tensor: row n begins at `n · stride` and has `depth` elements. */
export interface SourceRows {
  readonly data: FloatArray | Uint16Array;
  /** For a 16-bit type, the numbers that the data's bits represent; otherwise null. */
  readonly table: Float32Array | null;
  readonly stride: number;
  readonly depth: number;
}

/** The rows of a tensor from an element on. A view, so that indices within a tile are small integers. */
export function rowsFrom({ dtype, data }: Tensor, start: number, stride: number, depth: number): SourceRows {
  return { data: data.subarray(start) as FloatArray | Uint16Array, table: tableOf(dtype), stride, depth };
}

/** Returns the table of the numbers that a type's bits represent; null for types that hold numbers. */
export function tableOf(dtype: DType): Float32Array | null {
  return isHalf(dtype) ? halfTable(dtype) : null;
}

/**
 * Copies `count` rows into the heap, at `to`, `to + toStride`, … NaN and infinity become 0, so that a product with a
 * weight of 0 cannot make NaN; the caller finds these rows with {@link isFiniteRow}.
 *
 * @returns whether everything was finite.
 */
export function packRows(
  heap: Heap,
  to: number,
  toStride: number,
  source: SourceRows,
  count: number,
): boolean {
  if (packAll(heap, to, toStride, source, count) === 0) return true;
  let isFinite = true;
  for (let n = 0; n < count; n++) {
    if (isFiniteRow(source, n)) continue;
    isFinite = false;
    zeroNonFinite(heap, to + n * toStride, source.depth);
  }
  return isFinite;
}

/** @returns 0 unless something is not finite, or a sum of four overflows: then the careful path decides. */
function packAll(heap: Heap, to: number, toStride: number, source: SourceRows, count: number): number {
  const { data, table, stride, depth } = source;
  if (table !== null) return packBits(heap, to, toStride, source, count, table);
  const fours = depth & ~3;
  let trace = 0;
  for (let n = 0; n < count; n++) {
    let s = Math.imul(n, stride);
    let p = (to + Math.imul(n, toStride)) | 0;
    const end = (p + depth) | 0;
    const endOfFours = (p + fours) | 0;
    for (; p < endOfFours; p = (p + 4) | 0, s = (s + 4) | 0) {
      const x0 = data[s];
      const x1 = data[(s + 1) | 0];
      const x2 = data[(s + 2) | 0];
      const x3 = data[(s + 3) | 0];
      heap[p] = x0;
      heap[(p + 1) | 0] = x1;
      heap[(p + 2) | 0] = x2;
      heap[(p + 3) | 0] = x3;
      trace += (x0 + x1 + (x2 + x3)) * 0;
    }
    for (; p < end; p = (p + 1) | 0, s = (s + 1) | 0) {
      const x = data[s];
      heap[p] = x;
      trace += x * 0;
    }
  }
  return trace;
}

/** A loop of its own: one that reads two kinds of arrays is slower for both. */
function packBits(
  heap: Heap,
  to: number,
  toStride: number,
  { data, stride, depth }: SourceRows,
  count: number,
  table: Float32Array,
): number {
  let trace = 0;
  for (let n = 0; n < count; n++) {
    let s = Math.imul(n, stride);
    let p = (to + Math.imul(n, toStride)) | 0;
    for (const end = (p + depth) | 0; p < end; p = (p + 1) | 0, s = (s + 1) | 0) {
      const x = table[data[s]];
      heap[p] = x;
      trace += x * 0;
    }
  }
  return trace;
}

function zeroNonFinite(heap: Heap, at: number, count: number): void {
  for (let p = at; p < at + count; p++) {
    if (!Number.isFinite(heap[p])) heap[p] = 0;
  }
}

/** Returns whether row n of a source is finite. */
export function isFiniteRow({ data, table, stride, depth }: SourceRows, n: number): boolean {
  for (let i = n * stride; i < n * stride + depth; i++) {
    if (!Number.isFinite(table === null ? data[i] : table[data[i]])) return false;
  }
  return true;
}

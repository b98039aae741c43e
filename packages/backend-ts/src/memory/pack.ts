import type { DType, Tensor } from '@heed/core';
import { halfTable, integerAt, isHalf } from '@heed/core/backend';
import { type Heap, fillHeap } from './heap.ts';

/** Array types for the computation of results. */
export type FloatArray = Float32Array | Float64Array;

/** Rows of a tensor: row n begins at `n · stride` and has `depth` elements. */
export interface SourceRows {
  readonly dtype: DType;
  readonly data: FloatArray | Uint16Array | Int8Array | Uint8Array;
  /** For a 16-bit type, the numbers that the data's bits represent; otherwise null. */
  readonly table: Float32Array | null;
  /** In numbers: an element of `int4x2` holds two. */
  readonly stride: number;
  readonly depth: number;
  /** Scales of quantized rows; otherwise null. */
  readonly scales: RowScales | null;
  /** Numbers of a quantized row before the first one that is read. */
  readonly start: number;
}

/** Scales of quantized rows: those of row n begin at `n · stride`, one for each `group` numbers. */
export interface RowScales {
  readonly data: Float32Array;
  readonly stride: number;
  readonly group: number;
}

/** The rows of a tensor from an element on. A view, so that indices within a tile are small integers. */
export function rowsFrom(
  { dtype, data }: Tensor,
  start: number,
  stride: number,
  depth: number,
  scales: RowScales | null = null,
  partStart = 0,
): SourceRows {
  // A group, or a pair, may begin before the part.
  const first = scales === null ? start + partStart : dtype === 'int4x2' ? start / 2 : start;
  const from = data.subarray(first) as SourceRows['data'];
  const skipped = scales === null ? 0 : partStart;
  return { dtype, data: from, table: tableOf(dtype), stride, depth, scales, start: skipped };
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
  const { data, table, stride, depth, scales } = source;
  if (table !== null) return packBits(heap, to, toStride, source, count, table);
  if (scales !== null) {
    return isWhole(source, scales)
      ? packIntegers(heap, to, toStride, source, count, scales)
      : packOneByOne(heap, to, toStride, source, count);
  }
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

/** Returns whether the numbers that are read begin with a group and end with a pair. */
function isWhole({ dtype, start, depth }: SourceRows, { group }: RowScales): boolean {
  return start % group === 0 && (dtype !== 'int4x2' || (start % 2 === 0 && depth % 2 === 0));
}

function packOneByOne(heap: Heap, to: number, toStride: number, source: SourceRows, count: number): number {
  let trace = 0;
  for (let n = 0; n < count; n++) {
    for (let d = 0; d < source.depth; d++) {
      const x = numberAt(source, n, d);
      heap[to + n * toStride + d] = x;
      trace += x * 0;
    }
  }
  return trace;
}

/** The same for integers, each times the scale of its group. */
function packIntegers(
  heap: Heap,
  to: number,
  toStride: number,
  { dtype, data, stride, depth, start }: SourceRows,
  count: number,
  scales: RowScales,
): number {
  const isPairs = dtype === 'int4x2';
  const { group } = scales;
  let trace = 0;
  for (let n = 0; n < count; n++) {
    let g = (Math.imul(n, scales.stride) + start / group) | 0;
    let s = (Math.imul(n, stride) + start) | 0;
    let p = (to + Math.imul(n, toStride)) | 0;
    for (const end = (p + depth) | 0; p < end; g = (g + 1) | 0) {
      const scale = scales.data[g];
      const endOfGroup = Math.min(end, p + group) | 0;
      if (isPairs) {
        for (; p < endOfGroup; p = (p + 2) | 0, s = (s + 2) | 0) {
          const pair = data[s >> 1];
          heap[p] = ((pair << 28) >> 28) * scale;
          heap[(p + 1) | 0] = ((pair << 24) >> 28) * scale;
        }
      } else for (; p < endOfGroup; p = (p + 1) | 0, s = (s + 1) | 0) heap[p] = data[s] * scale;
      trace += scale * 0;
    }
  }
  return trace;
}

/** Writes `count` rows of zeros. */
export function zeroRows(heap: Heap, to: number, toStride: number, depth: number, count: number): void {
  for (let n = 0; n < count; n++) fillHeap(heap, to + n * toStride, to + n * toStride + depth, 0);
}

function zeroNonFinite(heap: Heap, at: number, count: number): void {
  for (let p = at; p < at + count; p++) {
    if (!Number.isFinite(heap[p])) heap[p] = 0;
  }
}

/** Returns whether row n of a source is finite. */
export function isFiniteRow(source: SourceRows, n: number): boolean {
  for (let d = 0; d < source.depth; d++) {
    if (!Number.isFinite(numberAt(source, n, d))) return false;
  }
  return true;
}

/** Returns number d of row n. */
export function numberAt(source: SourceRows, n: number, d: number): number {
  const { dtype, data, table, stride, scales, start } = source;
  const at = n * stride + start + d;
  if (scales !== null) {
    const scale = scales.data[n * scales.stride + Math.floor((start + d) / scales.group)];
    return integerAt({ dtype, data }, at) * scale;
  }
  return table === null ? data[at] : table[data[at]];
}

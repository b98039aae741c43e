import type { Heap } from '../memory/heap.ts';
import type { FloatArray, SourceRows } from '../memory/pack.ts';

/*
 * Products of one query row with keys and values that are not packed. For fewer rows than a register tile has (see
 * `multiply.ts`), as in decoding, packing would cost more than it saves. The sums are bit-identical to those of
 * `multiply.ts`; four of them stay in registers, side by side.
 */

/**
 * Writes the scores of a query row at `query` with `count` keys from `at` on.
 *
 * @returns whether all were finite; otherwise the keys must be packed, which distinguishes NaN from exclusion.
 */
export function directScores(
  heap: Heap,
  query: number,
  keys: SourceRows,
  count: number,
  scale: number,
  at: number,
): boolean {
  const { stride, depth } = keys;
  const data = keys.data as FloatArray;
  const end = (query + depth) | 0;
  let trace = 0;
  let n = 0;
  for (; n + 3 < count; n = (n + 4) | 0) {
    let k0 = Math.imul(n, stride);
    let k1 = (k0 + stride) | 0;
    let k2 = (k1 + stride) | 0;
    let k3 = (k2 + stride) | 0;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let p = query; p < end; p = (p + 1) | 0) {
      const x = heap[p];
      s0 += x * data[k0];
      k0 = (k0 + 1) | 0;
      s1 += x * data[k1];
      k1 = (k1 + 1) | 0;
      s2 += x * data[k2];
      k2 = (k2 + 1) | 0;
      s3 += x * data[k3];
      k3 = (k3 + 1) | 0;
    }
    heap[(at + n) | 0] = scale * s0;
    heap[(at + n + 1) | 0] = scale * s1;
    heap[(at + n + 2) | 0] = scale * s2;
    heap[(at + n + 3) | 0] = scale * s3;
    trace += (s0 + s1 + (s2 + s3)) * 0;
  }
  for (; n < count; n++) {
    let k = Math.imul(n, stride);
    let s = 0;
    for (let p = query; p < end; p = (p + 1) | 0) {
      s += heap[p] * data[k];
      k = (k + 1) | 0;
    }
    heap[at + n] = scale * s;
    trace += s * 0;
  }
  return trace === 0;
}

/**
 * Writes Σ weight · value over `count` values from `at` on; their weights begin at `weights`.
 *
 * @returns whether all sums were finite; otherwise the values must be packed.
 */
export function directValues(
  heap: Heap,
  weights: number,
  values: SourceRows,
  count: number,
  at: number,
): boolean {
  const { stride, depth } = values;
  const data = values.data as FloatArray;
  const end = (weights + count) | 0;
  let trace = 0;
  let d = 0;
  for (; d + 3 < depth; d = (d + 4) | 0) {
    let v = d;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let p = weights; p < end; p = (p + 1) | 0) {
      const weight = heap[p];
      s0 += weight * data[v];
      s1 += weight * data[(v + 1) | 0];
      s2 += weight * data[(v + 2) | 0];
      s3 += weight * data[(v + 3) | 0];
      v = (v + stride) | 0;
    }
    heap[(at + d) | 0] = s0;
    heap[(at + d + 1) | 0] = s1;
    heap[(at + d + 2) | 0] = s2;
    heap[(at + d + 3) | 0] = s3;
    trace += (s0 + s1 + (s2 + s3)) * 0;
  }
  for (; d < depth; d++) {
    let v = d;
    let s = 0;
    for (let p = weights; p < end; p = (p + 1) | 0) {
      s += heap[p] * data[v];
      v = (v + stride) | 0;
    }
    heap[at + d] = s;
    trace += s * 0;
  }
  return trace === 0;
}

import type { AttentionProblem, BroadcastShape, Layout } from '../problem.ts';

/** Elements from one batch, head or row to the next. */
export interface RowStrides {
  readonly batch: number;
  readonly head: number;
  readonly row: number;
}

/** Strides of a tensor `[B, H, L, D]` in either layout. */
export function rowStrides(layout: Layout, heads: number, length: number, depth: number): RowStrides {
  return layout === 'bhld'
    ? { batch: heads * length * depth, head: length * depth, row: depth }
    : { batch: length * heads * depth, head: depth, row: heads * depth };
}

/** Strides of keys and values with rows of `depth` elements: 0 from batch to batch if the whole batch reads the same. */
export function cacheStrides(
  { batch, kvBatch, kvHeads, keyLength, layout }: AttentionProblem,
  depth: number,
): RowStrides {
  const strides = rowStrides(layout, kvHeads, keyLength, depth);
  return kvBatch === batch ? strides : { ...strides, batch: 0 };
}

/** Strides of a tensor that broadcasts against `[B, Hq, Lq, Lk]`: 0 along the axes where its length is 1. */
export function broadcastStrides(shape: BroadcastShape): readonly [number, number, number, number] {
  const [b, h, q, k] = shape;
  return [b === 1 ? 0 : h * q * k, h === 1 ? 0 : q * k, q === 1 ? 0 : k, k === 1 ? 0 : 1];
}

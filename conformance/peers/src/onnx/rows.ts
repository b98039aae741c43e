import type { Tensor } from '@heed/core';

/** `[B, H, L, D]` as `[B, L, H · D]`: the rows of all heads side by side. */
export function toRows({ shape, data }: Tensor<'float32'>): Tensor<'float32'> {
  const [batch, heads, length, depth] = shape as [number, number, number, number];
  const rows = new Float32Array(data.length);
  forEachRow(shape, (at, rowAt) => rows.set(data.subarray(at, at + depth), rowAt));
  return { dtype: 'float32', shape: [batch, length, heads * depth], data: rows };
}

/** {@link toRows} undone. `shape` is `[B, H, L, D]`. */
export function fromRows(rows: Float32Array, shape: readonly number[]): Tensor<'float32'> {
  const data = new Float32Array(rows.length);
  const depth = shape[3]!;
  forEachRow(shape, (at, rowAt) => data.set(rows.subarray(rowAt, rowAt + depth), at));
  return { dtype: 'float32', shape, data };
}

/** Calls back with the place of each row in `[B, H, L, D]` and in `[B, L, H, D]`. */
function forEachRow(shape: readonly number[], visit: (at: number, rowAt: number) => void): void {
  const [batch, heads, length, depth] = shape as [number, number, number, number];
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < length; i++) {
        visit(((b * heads + h) * length + i) * depth, ((b * length + i) * heads + h) * depth);
      }
    }
  }
}

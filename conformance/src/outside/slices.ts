import type { Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';

/** Overwrites the slices `start`, `start + 1`, … of an axis of `target` with `part`, which must fit. */
export function writeSlices(target: Tensor, part: Tensor, axis: number, start: number): void {
  const inner = product(target.shape.slice(axis + 1));
  const outer = product(target.shape.slice(0, axis));
  const run = part.shape[axis]! * inner;
  const stride = target.shape[axis]! * inner;
  for (let o = 0; o < outer; o++) {
    target.data.set(part.data.subarray(o * run, (o + 1) * run), o * stride + start * inner);
  }
}

/** Two tensors one after the other along an axis; their other lengths must be equal. */
export function concatenate(first: Tensor, second: Tensor, axis: number): Tensor {
  const length = first.shape[axis]!;
  const result: Tensor = zeros(
    first.dtype,
    first.shape.map((l, a) => (a === axis ? l + second.shape[axis]! : l)),
  );
  writeSlices(result, first, axis, 0);
  writeSlices(result, second, axis, length);
  return result;
}

/** `[B, H, L, D]` from `[B, L, H, D]`, or the other way round. */
export function swapHeadsAndLength({ dtype, shape, data }: Tensor): Tensor {
  const [batch, first, second, depth] = shape as [number, number, number, number];
  const result: Tensor = zeros(dtype, [batch, second, first, depth]);
  for (let b = 0; b < batch; b++) {
    for (let m = 0; m < first; m++) {
      for (let n = 0; n < second; n++) {
        const from = ((b * first + m) * second + n) * depth;
        result.data.set(data.subarray(from, from + depth), ((b * second + n) * first + m) * depth);
      }
    }
  }
  return result;
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((size, length) => size * length, 1);
}

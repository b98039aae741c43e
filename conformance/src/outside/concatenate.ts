import type { Tensor } from '@heed/core';
import { writeSlices, zeros } from '@heed/core/backend';

/** Two tensors one after the other along an axis; their other lengths must be equal. */
export function concatenate(first: Tensor, second: Tensor, axis: number): Tensor {
  const length = first.shape[axis]!;
  const result: Tensor = zeros(
    first.dtype,
    first.shape.map((l, a) => (a === axis ? l + second.shape[axis]! : l)),
  );
  writeSlices(result, first, { axis, start: 0 });
  writeSlices(result, second, { axis, start: length });
  return result;
}

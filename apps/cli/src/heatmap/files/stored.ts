import { HeedError, type Tensor } from '@heed/core';
import { sizeOf } from '@heed/core/backend';

/** A tensor in a file, read on request. */
export interface Stored {
  readonly shape: readonly number[];
  /**
   * Reads the part at these indices of the leading axes, without those axes; the whole tensor without indices.
   *
   * @throws HeedError `DTYPE` for an element type that is not read, and what reading throws.
   */
  read(at?: readonly number[]): Tensor;
}

/** A tensor that is in memory already. */
export function inMemory(given: Tensor): Stored {
  return { shape: given.shape, read: (at = []) => sliceOf(given, at) };
}

/** Returns the range of elements, `start` to `start + count`, at these leading indices of a row-major shape. */
export function rangeOf(
  shape: readonly number[],
  at: readonly number[],
): { readonly start: number; readonly count: number } {
  const count = sizeOf(shape.slice(at.length));
  const row = at.reduce((sum, index, axis) => sum * shape[axis]! + index, 0);
  return { start: row * count, count };
}

function sliceOf(given: Tensor, at: readonly number[]): Tensor {
  const { start, count } = rangeOf(given.shape, at);
  const data = given.data.subarray(start, start + count);
  return { dtype: given.dtype, shape: given.shape.slice(at.length), data } as Tensor;
}

/** Checks a chosen index of an axis. */
export function checkIndex(option: string, index: number, letter: string, length: number): number {
  if (index < length) return index;
  throw new HeedError('ARGUMENT', `${option} is ${index}; the tensor has ${letter}=${length}`, {
    remedy: length === 0 ? `leave out ${option}: there is nothing to choose from` : `give 0 to ${length - 1}`,
  });
}

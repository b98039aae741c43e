import { HeedError, type Tensor } from '@heed/core';
import { sizeOf } from '@heed/core/backend';

/** A tensor in a file, read when it is asked for. */
export interface Stored {
  readonly shape: readonly number[];
  /**
   * What is at these indices of the leading axes, without those axes; all of it without indices.
   *
   * @throws HeedError `DTYPE` for an element type that is not read, and what reading throws.
   */
  read(at?: readonly number[]): Tensor;
}

/** A tensor that is in memory already. */
export function inMemory(given: Tensor): Stored {
  return { shape: given.shape, read: (at = []) => sliceOf(given, at) };
}

/** Elements `start` to `start + count` of a row-major shape are those at these indices of its leading axes. */
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

/** Checks an index that somebody chose of an axis. */
export function checkIndex(option: string, index: number, letter: string, length: number): number {
  if (index < length) return index;
  throw new HeedError('ARGUMENT', `${option} is ${index}, the tensor has ${letter}=${length}`, {
    remedy: length === 0 ? 'there is nothing to choose from' : `give 0 to ${length - 1}`,
  });
}

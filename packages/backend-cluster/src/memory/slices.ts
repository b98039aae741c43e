import type { Tensor } from '@heed/core';
import { type Run, sizeOf, takenRuns, takenShape, writeSlices, zeros } from '@heed/core/backend';
import type { StoredWrite } from '../run/protocol.ts';

/** The shape with another length on an axis. */
export function withLength(shape: readonly number[], axis: number, length: number): number[] {
  return shape.map((other, a) => (a === axis ? length : other));
}

/** The runs of the slices `start` to `end` of an axis, one for each element before it. */
export function* sliceRuns(
  shape: readonly number[],
  { axis, start, end }: { readonly axis: number; readonly start: number; readonly end: number },
): Generator<Run> {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const length = (end - start) * inner;
  if (length === 0) return;
  for (let o = 0; o < outer; o++) {
    yield { from: (o * shape[axis]! + start) * inner, to: o * length, length };
  }
}

/** Copies the slices `start` to `end` of an axis. */
export function sliceOf(tensor: Tensor, axis: number, start: number, end: number): Tensor {
  const slice = zeros(tensor.dtype, withLength(tensor.shape, axis, end - start));
  for (const { from, to, length } of sliceRuns(tensor.shape, { axis, start, end })) {
    slice.data.set(tensor.data.subarray(from, from + length), to);
  }
  return slice;
}

/** Copies the slices at `indices` of an axis, in their order. */
export function takeSlices(tensor: Tensor, axis: number, indices: readonly number[]): Tensor {
  const taken = zeros(tensor.dtype, takenShape(tensor.shape, axis, indices));
  for (const { from, to, length } of takenRuns(tensor.shape, axis, indices)) {
    taken.data.set(tensor.data.subarray(from, from + length), to);
  }
  return taken;
}

/** Does a stored write to the part that it was stored for. */
export function applyWrite(target: Tensor, { part, axis, start, element }: StoredWrite): void {
  if (element === null) {
    writeSlices(target, part, { axis, start });
    return;
  }
  const size = sizeOf(target.shape.slice(1));
  const data = target.data.subarray(element * size, (element + 1) * size);
  writeSlices({ shape: [1, ...target.shape.slice(1)], data }, part, { axis, start });
}

import type { Tensor } from '@heed/core';
import { sizeOf } from '@heed/core/backend';

/** From `start` up to, but not including, `end`. */
export type Range = readonly [start: number, end: number];

/** A box of a tensor, one range an axis. Shares memory with the tensor where the box is one piece of it. */
export function slice<T extends Tensor>({ dtype, shape, data }: T, ranges: readonly Range[]): T {
  const lengths = ranges.map(([start, end]) => end - start);
  // Axes after the last one that is cut are whole, so that they and the cut one are one run of memory.
  const cut = Math.max(
    0,
    lengths.findLastIndex((length, axis) => length !== shape[axis]),
  );
  const inner = sizeOf(shape.slice(cut + 1));
  const run = lengths[cut]! * inner;
  const outer = sizeOf(lengths.slice(0, cut));
  if (outer === 1) {
    const start = startOf(shape, ranges, 0, cut) * inner;
    return { dtype, shape: lengths, data: data.subarray(start, start + run) } as Tensor as T;
  }
  const copy = data.slice(0, 0).constructor as new (length: number) => T['data'];
  const target = new copy(outer * run);
  for (let o = 0; o < outer; o++) {
    const start = startOf(shape, ranges, o, cut) * inner;
    target.set(data.subarray(start, start + run), o * run);
  }
  return { dtype, shape: lengths, data: target } as Tensor as T;
}

/** Start of the o-th run of the box, in elements of the axis that is cut. */
function startOf(shape: readonly number[], ranges: readonly Range[], o: number, cut: number): number {
  let start = ranges[cut]?.[0] ?? 0;
  let [rest, stride] = [o, shape[cut] ?? 1];
  for (let axis = cut - 1; axis >= 0; axis--) {
    const [first, end] = ranges[axis]!;
    start += (first + (rest % (end - first))) * stride;
    rest = Math.floor(rest / (end - first));
    stride *= shape[axis]!;
  }
  return start;
}

/** The part of a length that lies in a range: 0 up to the range's own length. */
export function lengthWithin(length: number, [start, end]: Range): number {
  return Math.min(Math.max(length - start, 0), end - start);
}

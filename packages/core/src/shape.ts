import { type DType, type Tensor, sizeOf } from './tensor.ts';

/** Bytes of an element. */
export const ELEMENT_BYTES: Readonly<Record<DType, number>> = {
  float16: 2,
  bfloat16: 2,
  float32: 4,
  float64: 8,
  int32: 4,
  int8: 1,
  int4x2: 1,
  bool: 1,
};

/** Consecutive elements that are copied from one row-major array to another. */
export interface Run {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** Position of a part: slices `start`, `start + 1`, … of an axis, one start for all or one for each first index. */
export interface SlicePosition {
  readonly axis: number;
  readonly start: number | readonly number[];
}

/** The runs that {@link writeSlices} copies, from a part of shape `part` into a tensor of shape `target`. */
export function* writtenRuns(
  target: readonly number[],
  part: readonly number[],
  { axis, start }: SlicePosition,
): Generator<Run> {
  const inner = sizeOf(target.slice(axis + 1));
  const outer = sizeOf(target.slice(0, axis));
  const length = part[axis]! * inner;
  if (length === 0) return;
  for (let o = 0; o < outer; o++) {
    const first = typeof start === 'number' ? start : start[Math.floor(o / (outer / target[0]!))]!;
    yield { from: o * length, to: (o * target[axis]! + first) * inner, length };
  }
}

/** Overwrites slices of an axis of `target` with `part`, which must fit. */
export function writeSlices(
  target: Pick<Tensor, 'shape' | 'data'>,
  part: Pick<Tensor, 'shape' | 'data'>,
  at: SlicePosition,
): void {
  for (const { from, to, length } of writtenRuns(target.shape, part.shape, at)) {
    target.data.set(part.data.subarray(from, from + length), to);
  }
}

/** The combined shape of slices of an axis. */
export function takenShape(shape: readonly number[], axis: number, indices: readonly number[]): number[] {
  return shape.map((length, a) => (a === axis ? indices.length : length));
}

/** The runs to copy for the slices `indices` of an axis of a tensor; neighbors form one run. */
export function* takenRuns(
  shape: readonly number[],
  axis: number,
  indices: readonly number[],
): Generator<Run> {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  if (inner === 0) return;
  for (let o = 0; o < outer; o++) {
    for (let n = 0; n < indices.length;) {
      let count = 1;
      while (n + count < indices.length && indices[n + count] === indices[n]! + count) count++;
      const from = (o * shape[axis]! + indices[n]!) * inner;
      yield { from, to: (o * indices.length + n) * inner, length: count * inner };
      n += count;
    }
  }
}

/** Copies a tensor `[B, H, L, D]` to `[B, L, H, D]`, or the reverse. */
export function exchangeHeadsAndLength<T extends Tensor>(given: T): T {
  const [batch, first, second, depth] = given.shape as readonly [number, number, number, number];
  const data = given.data.slice();
  const exchanged = { ...given, shape: [batch, second, first, depth], data };
  // A row of one token, as in decoding, has the same order in both.
  if (first === 1 || second === 1) return exchanged;
  for (let b = 0; b < batch; b++) {
    for (let m = 0; m < first; m++) {
      for (let n = 0; n < second; n++) {
        const from = ((b * first + m) * second + n) * depth;
        data.set(given.data.subarray(from, from + depth), ((b * second + n) * first + m) * depth);
      }
    }
  }
  return exchanged;
}

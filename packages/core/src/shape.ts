import { type DType, type Tensor, sizeOf } from './tensor.ts';

/** Bytes of an element. */
export const ELEMENT_BYTES: Readonly<Record<DType, number>> = { float32: 4, float64: 8, int32: 4, bool: 1 };

/** Slices of one axis in row-major memory: `outer` runs of `run` elements, the o-th at `first + o * stride`. */
export interface Slab {
  readonly outer: number;
  readonly run: number;
  readonly stride: number;
  readonly first: number;
}

/** Where the slices `start`, `start + 1`, … `start + count - 1` of an axis lie in a tensor of that shape. */
export function slabOf(shape: readonly number[], axis: number, start: number, count: number): Slab {
  const inner = sizeOf(shape.slice(axis + 1));
  return {
    outer: sizeOf(shape.slice(0, axis)),
    run: count * inner,
    stride: shape[axis]! * inner,
    first: start * inner,
  };
}

/** Overwrites the slices of an axis of `target` from `start` on with `part`, which must fit. */
export function writeSlices(
  target: Pick<Tensor, 'shape' | 'data'>,
  part: Pick<Tensor, 'shape' | 'data'>,
  { axis, start }: { readonly axis: number; readonly start: number },
): void {
  const { outer, run, stride, first } = slabOf(target.shape, axis, start, part.shape[axis]!);
  for (let o = 0; o < outer; o++) {
    target.data.set(part.data.subarray(o * run, (o + 1) * run), first + o * stride);
  }
}

/** `[B, L, H, D]` of a tensor `[B, H, L, D]`, and the other way round: a copy. */
export function exchangeHeadsAndLength<T extends Tensor>(given: T): T {
  const [batch, first, second, depth] = given.shape as readonly [number, number, number, number];
  const data = given.data.slice();
  for (let b = 0; b < batch; b++) {
    for (let m = 0; m < first; m++) {
      for (let n = 0; n < second; n++) {
        const from = ((b * first + m) * second + n) * depth;
        data.set(given.data.subarray(from, from + depth), ((b * second + n) * first + m) * depth);
      }
    }
  }
  return { ...given, shape: [batch, second, first, depth], data };
}

import { HeedError } from '../error.ts';
import type { ResidentTensor } from '../resident.ts';
import { type DType, type Tensor, checkTensor, sizeOf } from '../tensor.ts';

/** A resident tensor of a backend whose memory is the JavaScript heap. */
export interface HostResident extends ResidentTensor {
  /** The tensor itself, not a copy. */
  tensor(): Tensor;
}

/** Takes ownership of a tensor; `owner` tells the residents of one backend from those of another. */
export function hostResident(owned: Tensor, owner: object): HostResident {
  let current: Tensor | null = owned;
  const alive = (): Tensor => {
    if (current === null) throw new HeedError('DISPOSED', 'the resident tensor was used after dispose()');
    return current;
  };
  return {
    resident: true,
    dtype: owned.dtype,
    shape: owned.shape,
    tensor: alive,
    async write(part, at) {
      writeSlices(alive(), part, at);
    },
    async read() {
      const { dtype, shape, data } = alive();
      return { dtype, shape, data: data.slice() } as Tensor;
    },
    dispose() {
      current = null;
    },
    [ownerKey]: owner,
  } as HostResident;
}

const ownerKey = Symbol('heed.owner');

/** Whether a resident tensor was made for this owner. */
export function isOwnedBy(value: ResidentTensor, owner: object): value is HostResident {
  return (value as { [ownerKey]?: object })[ownerKey] === owner;
}

/** Checks where a part of a resident tensor is written to, for every kind of memory. */
export function checkWrite(
  target: { readonly dtype: DType; readonly shape: readonly number[] },
  part: Tensor,
  at: { readonly axis: number; readonly start: number },
): void {
  checkTensor('part', part);
  const { axis, start } = at;
  if (part.dtype !== target.dtype) {
    throw new HeedError('DTYPE', `part is ${part.dtype}, the resident tensor is ${target.dtype}`);
  }
  const fits =
    Number.isSafeInteger(axis) &&
    Number.isSafeInteger(start) &&
    start >= 0 &&
    axis >= 0 &&
    axis < target.shape.length &&
    part.shape.length === target.shape.length &&
    part.shape.every((length, a) =>
      a === axis ? start + length <= target.shape[a]! : length === target.shape[a],
    );
  if (!fits) {
    throw new HeedError(
      'SHAPE',
      `part is [${part.shape.join(', ')}], it does not fit in [${target.shape.join(', ')}] at ${start} of axis ${axis}`,
    );
  }
}

function writeSlices(
  target: Tensor,
  part: Tensor,
  at: { readonly axis: number; readonly start: number },
): void {
  checkWrite(target, part, at);
  const inner = sizeOf(target.shape.slice(at.axis + 1));
  const outer = sizeOf(target.shape.slice(0, at.axis));
  const run = part.shape[at.axis]! * inner;
  const stride = target.shape[at.axis]! * inner;
  for (let o = 0; o < outer; o++) {
    target.data.set(part.data.subarray(o * run, (o + 1) * run) as never, o * stride + at.start * inner);
  }
}

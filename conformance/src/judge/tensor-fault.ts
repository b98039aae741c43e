import type { FloatDType, Tensor } from '@heed/core';
import { Bound, type Measured, largestError } from './bound.ts';

/** A tensor of an operation's reference, and the error that the clause `accuracy` allows. */
export interface Expected {
  readonly reference: Tensor;
  readonly measured: Measured;
  readonly bound: Bound;
}

/** @param naive the naive computation in each of its ways. */
export function expectedOf(reference: Tensor, naive: readonly (() => Tensor)[], dtype: FloatDType): Expected {
  const { data } = reference;
  const measured = { reference: data, exact: new Uint8Array(data.length), relative: false };
  const ways = naive.map((way) => () => way().data);
  return { reference, measured, bound: new Bound(dtype, measured, ways) };
}

/** Error of a tensor; null if there is none. */
export function faultOf(
  name: string,
  actual: Tensor,
  { reference, measured, bound }: Expected,
  dtype: FloatDType,
): string | null {
  if (actual?.dtype !== dtype || actual.shape.join() !== reference.shape.join()) {
    return `${name} is ${actual?.dtype} [${actual?.shape.join(', ')}]; expected ${dtype} [${reference.shape.join(', ')}]`;
  }
  const { error } = largestError(measured, actual.data);
  return bound.allows(error)
    ? null
    : `${name} is off by ${error.toExponential(2)}, allowed are ${bound.value().toExponential(2)}`;
}

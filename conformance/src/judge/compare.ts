import type { DType, FloatDType, Tensor } from '@heed/core';
import { PRECISIONS } from './precision.ts';

/** One tensor of a result against the reference. */
export interface Comparison {
  /** Its name: `output`, `rowMax`, `dQuery`. */
  readonly tensor: string;
  /** Largest difference from the reference. Infinite when a number is missing. */
  readonly error: number;
  /** Largest error that SPEC.md, clause `accuracy`, allows. */
  readonly bound: number;
  /** What is wrong, for the backend's author; null when nothing is. */
  readonly fault: string | null;
}

/** A tensor to compare, with all that its bound depends on. */
export interface Candidate {
  readonly tensor: string;
  readonly dtype: FloatDType;
  readonly shape: readonly number[];
  readonly actual: ArrayLike<number>;
  readonly reference: ArrayLike<number>;
  /** The naive computation in the same precision. */
  readonly naive: ArrayLike<number>;
  /** Whether an entry is one that is excluded: it must equal the reference exactly. */
  exact(index: number): boolean;
  /** Whether errors are divided by max(1, |reference|): for logarithms and maxima of scores. */
  readonly relative: boolean;
  /** In place of the one that the clause gives: for references whose own error is not that of float64. */
  readonly bound?: number;
}

/** SPEC.md, clause `accuracy`. */
export function compare(candidate: Candidate): Comparison {
  const { tensor, shape, actual, reference, naive, relative } = candidate;
  const { naiveFactor, floor } = PRECISIONS[candidate.dtype];
  let error = 0;
  let naiveError = 0;
  let magnitude = 1;
  let worst = -1;
  for (let n = 0; n < reference.length; n++) {
    const expected = reference[n]!;
    if (candidate.exact(n) || !Number.isFinite(expected)) {
      const number = actual[n];
      const same = Number.isNaN(expected) ? !Number.isFinite(number) : number === expected;
      if (!same) return { tensor, error: Infinity, bound: 0, fault: exactFault(candidate, n) };
      continue;
    }
    const unit = relative ? Math.max(1, Math.abs(expected)) : 1;
    if (!relative) magnitude = Math.max(magnitude, Math.abs(expected));
    const difference = Math.abs(actual[n]! - expected) / unit;
    if (!(difference <= error)) {
      error = Number.isNaN(difference) ? Infinity : difference;
      worst = n;
      if (error === Infinity) break;
    }
    naiveError = Math.max(naiveError, Math.abs(naive[n]! - expected) / unit || 0);
  }
  const bound = candidate.bound ?? naiveFactor * naiveError + floor * magnitude;
  if (error <= bound) return { tensor, error, bound, fault: null };
  const where = `${tensor}[${coordinates(worst, shape)}]`;
  const fault = `${where} is ${actual[worst]}, the reference is ${reference[worst]}: ${relative ? 'relative ' : ''}error ${error.toExponential(2)}, bound ${bound.toExponential(2)}`;
  return { tensor, error, bound, fault };
}

function exactFault({ tensor, shape, actual, reference }: Candidate, index: number): string {
  const must = Number.isNaN(reference[index]!) ? 'not finite' : `exactly ${reference[index]}`;
  return `${tensor}[${coordinates(index, shape)}] is ${actual[index]}, it must be ${must}`;
}

/** The position of an element, `0, 1, 3`. */
export function coordinates(index: number, shape: readonly number[]): string {
  const result: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    result.unshift(index % shape[axis]!);
    index = Math.floor(index / shape[axis]!);
  }
  return result.join(', ');
}

/** What is wrong with the form of a result: missing, of another type or shape, or not an array. Null when nothing. */
export function formFault(
  tensor: string,
  actual: Tensor | undefined,
  dtype: DType,
  shape: readonly number[],
): string | null {
  if (typeof actual !== 'object' || actual === null) return `${tensor} is missing from the results`;
  if (actual.dtype !== dtype) return `${tensor} is ${actual.dtype}, expected ${dtype}`;
  if (!Array.isArray(actual.shape) || actual.shape.join() !== shape.join()) {
    return `${tensor} has the shape [${String(actual.shape)}], expected [${shape.join(', ')}]`;
  }
  const kind = Object.prototype.toString.call(actual.data).slice(8, -1);
  const expected = {
    float32: 'Float32Array',
    float64: 'Float64Array',
    int32: 'Int32Array',
    bool: 'Uint8Array',
  }[dtype];
  if (kind !== expected) return `the data of ${tensor} is ${kind}, expected ${expected}`;
  const size = shape.reduce((product, length) => product * length, 1);
  return actual.data.length === size ? null : `${tensor} has ${actual.data.length} numbers, expected ${size}`;
}

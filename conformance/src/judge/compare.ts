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
  /** The naive computation in the same precision, in each of its ways. */
  readonly naive: readonly ArrayLike<number>[];
  /** Whether an entry is one that is excluded: it must equal the reference exactly. */
  exact(index: number): boolean;
  /** Whether errors are divided by max(1, |reference|): for logarithms and maxima of scores. */
  readonly relative: boolean;
  /** In place of the one that the clause gives: for references whose own error is not that of float64. */
  readonly bound?: number;
  /** Whether `reference` is what a case expects, of numbers that agree with the float64 reference. */
  readonly fromCase?: boolean;
}

/** SPEC.md, clause `accuracy`. */
export function compare(candidate: Candidate): Comparison {
  const { tensor, shape, actual, reference, relative } = candidate;
  const wrong = firstInexact(candidate);
  if (wrong !== -1) return { tensor, error: Infinity, bound: 0, fault: exactFault(candidate, wrong) };
  const { error, at } = largestError(candidate, actual);
  const bound = candidate.bound ?? boundOf(candidate);
  if (error <= bound) return { tensor, error, bound, fault: null };
  const kind = relative ? 'relative error' : 'error';
  const measured = `${kind} ${error.toExponential(2)}, bound ${bound.toExponential(2)}`;
  const where = `${tensor}[${coordinates(at, shape)}]`;
  const fault = `${where} is ${actual[at]}, ${contradicted(candidate)} ${reference[at]}: ${measured}`;
  return { tensor, error, bound, fault };
}

/** Who is contradicted. A wrong number in a case file must not look like one of the reference. */
function contradicted({ fromCase }: Candidate): string {
  return fromCase ? 'which agrees with the reference; the case expects' : 'the reference is';
}

/** Entries that are not approximated: what is excluded, −∞, and what is not finite. */
function isExact({ exact, reference }: Candidate, index: number): boolean {
  return exact(index) || !Number.isFinite(reference[index]);
}

function firstInexact(candidate: Candidate): number {
  const { actual, reference } = candidate;
  for (let n = 0; n < reference.length; n++) {
    if (!isExact(candidate, n)) continue;
    const [number, expected] = [actual[n], reference[n]];
    const same = Number.isNaN(expected) ? !Number.isFinite(number) : number === expected;
    if (!same) return n;
  }
  return -1;
}

/** The largest error of numbers, and where it is. A number that is missing has an infinite one. */
function largestError(candidate: Candidate, numbers: ArrayLike<number>): { error: number; at: number } {
  const { reference, relative } = candidate;
  let [error, at] = [0, -1];
  for (let n = 0; n < reference.length && error < Infinity; n++) {
    if (isExact(candidate, n)) continue;
    const unit = relative ? Math.max(1, Math.abs(reference[n]!)) : 1;
    const difference = Math.abs(numbers[n]! - reference[n]!) / unit;
    if (difference <= error) continue;
    [error, at] = [Number.isNaN(difference) ? Infinity : difference, n];
  }
  return { error, at };
}

function boundOf(candidate: Candidate): number {
  const { naiveFactor, floor } = PRECISIONS[candidate.dtype];
  let naiveError = 0;
  for (const numbers of candidate.naive) {
    const { error } = largestError(candidate, numbers);
    // Where the naive computation itself overflows there is no yardstick, only the floor.
    if (error < Infinity) naiveError = Math.max(naiveError, error);
  }
  let magnitude = 1;
  if (!candidate.relative) {
    for (let n = 0; n < candidate.reference.length; n++) {
      if (!isExact(candidate, n)) magnitude = Math.max(magnitude, Math.abs(candidate.reference[n]!));
    }
  }
  return naiveFactor * naiveError + floor * magnitude;
}

function exactFault(candidate: Candidate, index: number): string {
  const { tensor, shape, actual, reference, fromCase } = candidate;
  const must = Number.isNaN(reference[index]!) ? 'not finite' : `exactly ${reference[index]}`;
  const what = fromCase ? contradicted(candidate) : 'it must be';
  return `${tensor}[${coordinates(index, shape)}] is ${actual[index]}, ${what} ${must}`;
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

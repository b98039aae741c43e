import type { DType, FloatDType, Tensor } from '@heed/core';
import { isHalf } from '@heed/core/backend';
import { Bound, largestError } from './bound.ts';
import { roundedOf } from './rounded.ts';
import type { ExcludedElements } from './excluded.ts';

/** One tensor of a result against the reference. */
export interface Comparison {
  /** Its name: `output`, `rowMax`, `dQuery`. */
  readonly tensor: string;
  /** Largest difference from the reference. Infinite when a number is missing. */
  readonly error: number;
  /** Returns the largest error that SPEC.md, clause `accuracy`, allows. */
  bound(): number;
  /** Returns a number that the bound is not below, without working it out. */
  leastBound(): number;
  /** Returns whether the error is within a share of the bound, which is cheaper than the bound. */
  within(share: number): boolean;
  /** Description of the error, for the backend's author; null if there is none. */
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
  readonly naive: readonly (() => ArrayLike<number>)[];
  /** They must equal the reference exactly. */
  readonly excluded: ExcludedElements;
  /** True if errors are divided by max(1, |reference|): for logarithms and maxima of scores. */
  readonly relative: boolean;
  /** Values that a case expects, for numbers that agree with the float64 reference. */
  readonly fromCase?: {
    readonly values: ArrayLike<number>;
    /** Added to the bound: their own error. */
    readonly tolerance: number;
  };
}

/** SPEC.md, clause `accuracy`. */
export function compare(candidate: Candidate): Comparison {
  const { tensor, shape, actual, relative, reference, fromCase } = candidate;
  const expected = fromCase?.values ?? reference;
  const measured = { reference: expected, exact: exactEntries(candidate, expected), relative };
  const wrong = firstInexact(measured.exact, expected, actual, candidate.dtype);
  if (wrong !== -1) return withoutNumbers(tensor, exactFault(candidate, expected, wrong));
  const { error, at } = largestError(measured, actual, roundedOf(candidate.dtype));
  // The bound is not measured against what a case expects: the naive computation would be as far from a wrong value.
  const yardstick = fromCase ? { reference, exact: exactEntries(candidate, reference), relative } : measured;
  const bound = new Bound(candidate.dtype, yardstick, candidate.naive, fromCase?.tolerance);
  const comparison = {
    tensor,
    error,
    bound: () => bound.value(),
    leastBound: () => bound.atLeast(),
    within: (share: number) => bound.allows(error, share),
  };
  if (comparison.within(1)) return { ...comparison, fault: null };
  const kind = relative ? 'relative error' : 'error';
  const numbers = `${kind} ${error.toExponential(2)}, bound ${bound.value().toExponential(2)}`;
  const where = `${tensor}[${coordinates(at, shape)}]`;
  const fault = `${where} is ${actual[at]}${contradicted(candidate)} ${expected[at]}: ${numbers}`;
  return { ...comparison, fault };
}

/** The comparison of a tensor that is wrong in more than the size of its numbers, or of an exact one that is right. */
export function withoutNumbers(tensor: string, fault: string | null): Comparison {
  return {
    tensor,
    error: fault === null ? 0 : Infinity,
    bound: () => 0,
    leastBound: () => 0,
    within: () => fault === null,
    fault,
  };
}

/** Source that the result contradicts: a wrong number in a case file must not look like one of the reference. */
function contradicted({ fromCase }: Candidate): string {
  return fromCase ? ', which agrees with the reference; the case expects' : '; the reference is';
}

/** Entries that are not approximated: what is excluded, −∞, and what is not finite. */
function exactEntries({ excluded }: Candidate, expected: ArrayLike<number>): Uint8Array {
  const { flags, depth } = excluded;
  const result = new Uint8Array(expected.length);
  for (let n = 0; n < result.length; n++) {
    if (!Number.isFinite(expected[n])) result[n] = 1;
  }
  for (let at = flags.indexOf(1); at !== -1; at = flags.indexOf(1, at + 1)) {
    result.fill(1, at * depth, (at + 1) * depth);
  }
  return result;
}

function firstInexact(
  exact: Uint8Array,
  expected: ArrayLike<number>,
  actual: ArrayLike<number>,
  dtype: FloatDType,
): number {
  for (let n = exact.indexOf(1); n !== -1; n = exact.indexOf(1, n + 1)) {
    const isRight = isHalf(dtype) ? Number.isNaN(actual[n]) : !Number.isFinite(actual[n]);
    const same = Number.isNaN(expected[n]) ? isRight : actual[n] === expected[n];
    if (!same) return n;
  }
  return -1;
}

function exactFault(candidate: Candidate, expected: ArrayLike<number>, index: number): string {
  const { tensor, shape, actual, fromCase } = candidate;
  const missing = isHalf(candidate.dtype) ? 'NaN' : 'a number that is not finite';
  const must = Number.isNaN(expected[index]!) ? missing : `exactly ${expected[index]}`;
  const what = fromCase ? contradicted(candidate) : '; expected';
  return `${tensor}[${coordinates(index, shape)}] is ${actual[index]}${what} ${must}`;
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

/** Error in the form of a result: missing, of another type or shape, or not an array. Null if there is none. */
export function formFault(
  tensor: string,
  actual: Tensor | undefined,
  dtype: DType,
  shape: readonly number[],
): string | null {
  if (typeof actual !== 'object' || actual === null) return `${tensor} is missing from the results`;
  if (actual.dtype !== dtype) return `${tensor} is ${actual.dtype}; expected ${dtype}`;
  if (!Array.isArray(actual.shape) || actual.shape.join() !== shape.join()) {
    return `${tensor} has the shape [${String(actual.shape)}]; expected [${shape.join(', ')}]`;
  }
  const kind = Object.prototype.toString.call(actual.data).slice(8, -1);
  const expected = {
    float16: 'Uint16Array',
    bfloat16: 'Uint16Array',
    float32: 'Float32Array',
    float64: 'Float64Array',
    int32: 'Int32Array',
    int8: 'Int8Array',
    int4x2: 'Uint8Array',
    bool: 'Uint8Array',
  }[dtype];
  if (kind !== expected) return `the data of ${tensor} is ${kind}; expected ${expected}`;
  const size = shape.reduce((product, length) => product * length, 1);
  return actual.data.length === size ? null : `${tensor} has ${actual.data.length} numbers; expected ${size}`;
}

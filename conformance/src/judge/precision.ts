import type { FloatDType } from '@heed/core';

/** Distance of results of one element type that is allowed from the reference. */
export interface Precision {
  /** Multiplies the error of the naive computation. */
  readonly naiveFactor: number;
  /** Multiplies max(1, largest absolute reference value). */
  readonly floor: number;
}

const FLOAT32: Precision = { naiveFactor: 2, floor: 8 * 2 ** -24 };

/** SPEC.md, clause `accuracy`. Part of the specification: not a backend's choice, nor an option of the suite. */
export const PRECISIONS: Readonly<Record<FloatDType, Precision>> = {
  float32: FLOAT32,
  // The bound applies to the number before its rounding to the type: see largestError().
  float16: FLOAT32,
  bfloat16: FLOAT32,
  float64: { naiveFactor: 2, floor: 2 ** 12 * 2 ** -53 },
};

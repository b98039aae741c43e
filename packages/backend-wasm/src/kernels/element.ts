import type { FloatDType } from '@heed/core';
import type { Code } from '../emit/code.ts';
import {
  type FloatInstructions,
  type FloatVector,
  convert,
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  i32x4,
  i64x2,
  int,
} from '../emit/instructions.ts';

/** Instructions for an element type: the kernels are written once, for both. */
export interface Element {
  readonly type: 'f32' | 'f64';
  readonly bytes: number;
  /** Elements in a vector. */
  readonly lanes: number;
  readonly scalar: FloatInstructions;
  readonly vector: FloatVector;
  /** Vectors of integers of the same size. */
  readonly integer: typeof i32x4;
  /** Whether products and sums may be fused, rounded once. */
  readonly fused: boolean;
  /** a · b + c */
  madd(a: Code, b: Code, c: Code): Code;
  /** c − a · b */
  nmadd(a: Code, b: Code, c: Code): Code;
  fromF64(value: Code): Code;
  toF64(value: Code): Code;
  /** Bytes that so many elements take. */
  size(count: Code): Code;
}

/** @param relaxed whether products and sums may be fused, by relaxed SIMD. */
export function elementOf(dtype: FloatDType, relaxed: boolean): Element {
  const single = dtype === 'float32';
  const vector = single ? f32x4 : f64x2;
  return {
    type: single ? 'f32' : 'f64',
    bytes: single ? 4 : 8,
    lanes: single ? 4 : 2,
    scalar: single ? f32 : f64,
    vector,
    integer: single ? i32x4 : i64x2,
    fused: relaxed,
    madd: relaxed ? vector.relaxedMadd : (a, b, c) => vector.add(vector.mul(a, b), c),
    nmadd: relaxed ? vector.relaxedNmadd : (a, b, c) => vector.sub(c, vector.mul(a, b)),
    fromF64: single ? convert.f32FromF64 : (value) => value,
    toF64: single ? convert.f64FromF32 : (value) => value,
    size: (count) => i32.shl(count, int(single ? 2 : 3)),
  };
}

import type { ComputeDType } from '@heed/core';
import {
  type Code,
  type FloatInstructions,
  type FloatVector,
  convert,
  extend,
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  i32x4,
  i64,
  i64x2,
  int,
  v128,
} from '@heed/core/wasm';

declare const ELEMENT: unique symbol;

/** The type of a module's elements, f32 or f64: distinct from both, since kernels are written once for either. */
export type ElementType = ('f32' | 'f64') & { readonly [ELEMENT]: true };

/** Vectors of integers as wide as the elements. */
export interface IntegerLanes {
  /** The same unsigned number in each lane. */
  readonly splatU: (value: Code<'i32'>) => Code<'v128'>;
  /** The same signed number in each lane. */
  readonly splatS: (value: Code<'i32'>) => Code<'v128'>;
  /** One byte per lane, each as a number. */
  readonly loadU8: (address: Code<'i32'>) => Code<'v128'>;
  /** One int32 per lane. */
  readonly loadS32: (address: Code<'i32'>) => Code<'v128'>;
  readonly shl: (a: Code<'v128'>, bits: Code<'i32'>) => Code<'v128'>;
  readonly add: (a: Code<'v128'>, b: Code<'v128'>) => Code<'v128'>;
  /** All bits of a lane where they differ. */
  readonly ne: (a: Code<'v128'>, b: Code<'v128'>) => Code<'v128'>;
}

/** Instructions for an element type. */
export interface Element {
  readonly dtype: ComputeDType;
  readonly type: ElementType;
  readonly bytes: 4 | 8;
  /** Elements in a vector. */
  readonly lanes: 2 | 4;
  readonly scalar: FloatInstructions<ElementType>;
  readonly vector: FloatVector<ElementType>;
  readonly integer: IntegerLanes;
  /** True if products and sums may be fused, rounded once. */
  readonly fused: boolean;
  /** Vectors in a row of a register tile: four where the engine joins two in one register. */
  readonly tileVectors: 2 | 4;
  /** a · b + c */
  madd(a: Code<'v128'>, b: Code<'v128'>, c: Code<'v128'>): Code<'v128'>;
  /** c − a · b */
  nmadd(a: Code<'v128'>, b: Code<'v128'>, c: Code<'v128'>): Code<'v128'>;
  fromF64(value: Code<'f64'>): Code<ElementType>;
  toF64(value: Code<ElementType>): Code<'f64'>;
  /** Bytes that so many elements take. */
  size(elements: Code<'i32'>): Code<'i32'>;
}

const quarters = (address: Code<'i32'>): Code<'v128'> =>
  extend.i32x4LowU16(extend.i16x8LowU8(v128.load32Zero(address)));

const SINGLE: IntegerLanes = {
  ...i32x4,
  splatU: i32x4.splat,
  splatS: i32x4.splat,
  loadU8: quarters,
  loadS32: v128.load,
};

const DOUBLE: IntegerLanes = {
  ...i64x2,
  splatU: (value) => i64x2.splat(i64.extendU(value)),
  splatS: (value) => i64x2.splat(i64.extendS(value)),
  loadU8: (address) => extend.i64x2LowS32(quarters(address)),
  loadS32: (address) => extend.i64x2LowS32(v128.load64Zero(address)),
};

/** Instructions in which the sizes differ. */
type Instructions = Pick<
  Element,
  'type' | 'bytes' | 'lanes' | 'scalar' | 'vector' | 'integer' | 'fromF64' | 'toF64'
>;

/** The only place where the element type is f32 or f64. */
const INSTRUCTIONS = {
  float32: {
    type: 'f32',
    bytes: 4,
    lanes: 4,
    scalar: f32,
    vector: f32x4,
    integer: SINGLE,
    fromF64: convert.f32FromF64,
    toF64: convert.f64FromF32,
  },
  float64: {
    type: 'f64',
    bytes: 8,
    lanes: 2,
    scalar: f64,
    vector: f64x2,
    integer: DOUBLE,
    fromF64: (value: Code<'f64'>) => value,
    toF64: (value: Code<'f64'>) => value,
  },
} as unknown as Readonly<Record<ComputeDType, Instructions>>;

/** Vectors of a register tile's row: where the engine joins two in one register, twice as many take as many registers. */
export const tileVectorsOf = (wide: boolean): 2 | 4 => (wide ? 4 : 2);

/**
 * @param relaxed whether products and sums may be fused, by relaxed SIMD.
 * @param wide whether the engine joins two vectors in one register.
 */
export function elementOf(dtype: ComputeDType, relaxed: boolean, wide: boolean): Element {
  const instructions = INSTRUCTIONS[dtype];
  const { vector, bytes } = instructions;
  return {
    ...instructions,
    dtype,
    fused: relaxed,
    tileVectors: tileVectorsOf(wide),
    madd: relaxed ? vector.relaxedMadd : (a, b, c) => vector.add(vector.mul(a, b), c),
    nmadd: relaxed ? vector.relaxedNmadd : (a, b, c) => vector.sub(c, vector.mul(a, b)),
    size: (elements) => i32.shl(elements, int(bytes === 4 ? 2 : 3)),
  };
}

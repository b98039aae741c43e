import { type Code, type ValueType, leaving, signed, signed64, unsigned } from './code.ts';

/*
 * Instructions by their names in the WebAssembly specification (core, SIMD, and relaxed SIMD). Operands come first, as
 * on the stack: i32.add(a, b) is code that leaves a + b.
 */

type Unary<A extends ValueType, R extends ValueType = A> = (a: Code<A>) => Code<R>;
type Binary<A extends ValueType, R extends ValueType = A> = (a: Code<A>, b: Code<A>) => Code<R>;
type Ternary<A extends ValueType> = (a: Code<A>, b: Code<A>, c: Code<A>) => Code<A>;
/** `offset` in bytes, added to the address without wrapping. */
type Load<R extends ValueType> = (address: Code<'i32'>, offset?: number) => Code<R>;
type Store<V extends ValueType> = (address: Code<'i32'>, value: Code<V>, offset?: number) => Code<'none'>;

const unary =
  <A extends ValueType, R extends ValueType>(...opcode: number[]): Unary<A, R> =>
  (a) =>
    leaving([a, opcode]);
const binary =
  <A extends ValueType, R extends ValueType>(...opcode: number[]): Binary<A, R> =>
  (a, b) =>
    leaving([a, b, opcode]);
/** Alignment is a hint only; 0 is always right. */
const load =
  <R extends ValueType>(...opcode: number[]): Load<R> =>
  (address, offset = 0) =>
    leaving([address, opcode, 0, unsigned(offset)]);
const store =
  <V extends ValueType>(...opcode: number[]): Store<V> =>
  (address, value, offset = 0) =>
    leaving([address, value, opcode, 0, unsigned(offset)]);

/** A SIMD opcode: the prefix, then LEB128. */
const simd = (opcode: number): number[] =>
  opcode < 0x80 ? [0xfd, opcode] : [0xfd, (opcode & 0x7f) | 0x80, opcode >> 7];
const simd1 = (opcode: number): Unary<'v128'> => unary(...simd(opcode));
const simd2 = (opcode: number): Binary<'v128'> => binary(...simd(opcode));
const simd3 =
  (opcode: number): Ternary<'v128'> =>
  (a, b, c) =>
    leaving([a, b, c, simd(opcode)]);
const splat = <A extends ValueType>(opcode: number): Unary<A, 'v128'> => unary(...simd(opcode));
const simdLoad = (opcode: number): Load<'v128'> => load(...simd(opcode));
const storeLane =
  (opcode: number): FloatVector<ValueType>['storeLane'] =>
  (address, value, lane, offset = 0) =>
    leaving([address, value, simd(opcode), 0, unsigned(offset), lane]);
const extractLane =
  <R extends ValueType>(opcode: number): FloatVector<R>['extract'] =>
  (a, lane) =>
    leaving([a, simd(opcode), lane]);

/** The bytes of a float in memory. */
export function floatBytes(type: 'f32' | 'f64', value: number): number[] {
  const bytes = new DataView(new ArrayBuffer(8));
  if (type === 'f32') bytes.setFloat32(0, value, true);
  else bytes.setFloat64(0, value, true);
  return Array.from({ length: type === 'f32' ? 4 : 8 }, (_, n) => bytes.getUint8(n));
}

/** An i32 constant. */
export const int = (value: number): Code<'i32'> => leaving([0x41, signed(value)]);

/** Instructions of 32-bit integers. Comparisons leave 1 or 0. */
export interface I32Instructions {
  readonly load: Load<'i32'>;
  readonly load8U: Load<'i32'>;
  readonly load16U: Load<'i32'>;
  readonly store: Store<'i32'>;
  readonly store8: Store<'i32'>;
  readonly store16: Store<'i32'>;
  readonly eqz: Unary<'i32'>;
  readonly eq: Binary<'i32'>;
  readonly ne: Binary<'i32'>;
  readonly ltS: Binary<'i32'>;
  readonly ltU: Binary<'i32'>;
  readonly gtS: Binary<'i32'>;
  readonly geS: Binary<'i32'>;
  readonly add: Binary<'i32'>;
  readonly sub: Binary<'i32'>;
  readonly mul: Binary<'i32'>;
  readonly divU: Binary<'i32'>;
  readonly remU: Binary<'i32'>;
  readonly and: Binary<'i32'>;
  readonly or: Binary<'i32'>;
  readonly xor: Binary<'i32'>;
  readonly shl: Binary<'i32'>;
  readonly shrU: Binary<'i32'>;
  readonly wrap: Unary<'i64', 'i32'>;
}

export const i32: I32Instructions = {
  load: load(0x28),
  load8U: load(0x2d),
  load16U: load(0x2f),
  store: store(0x36),
  store8: store(0x3a),
  store16: store(0x3b),
  eqz: unary(0x45),
  eq: binary(0x46),
  ne: binary(0x47),
  ltS: binary(0x48),
  ltU: binary(0x49),
  gtS: binary(0x4a),
  geS: binary(0x4e),
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  divU: binary(0x6e),
  remU: binary(0x70),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shl: binary(0x74),
  shrU: binary(0x76),
  wrap: unary(0xa7),
};

/** Instructions of 64-bit integers. */
export interface I64Instructions {
  readonly const: (value: bigint) => Code<'i64'>;
  readonly add: Binary<'i64'>;
  readonly sub: Binary<'i64'>;
  readonly mul: Binary<'i64'>;
  readonly shrU: Binary<'i64'>;
  readonly extendS: Unary<'i32', 'i64'>;
  readonly extendU: Unary<'i32', 'i64'>;
  /** The bits of a float. */
  readonly reinterpret: Unary<'f64', 'i64'>;
}

export const i64: I64Instructions = {
  const: (value) => leaving([0x42, signed64(BigInt.asIntN(64, value))]),
  add: binary(0x7c),
  sub: binary(0x7d),
  mul: binary(0x7e),
  shrU: binary(0x88),
  extendS: unary(0xac),
  extendU: unary(0xad),
  reinterpret: unary(0xbd),
};

/** Instructions that floats of both sizes have. Comparisons leave 1 or 0. */
export interface FloatInstructions<T extends ValueType> {
  readonly const: (value: number) => Code<T>;
  readonly load: Load<T>;
  readonly store: Store<T>;
  readonly eq: Binary<T, 'i32'>;
  readonly ne: Binary<T, 'i32'>;
  readonly gt: Binary<T, 'i32'>;
  readonly neg: Unary<T>;
  readonly sqrt: Unary<T>;
  readonly add: Binary<T>;
  readonly sub: Binary<T>;
  readonly mul: Binary<T>;
  readonly div: Binary<T>;
  /** NaN if either is. */
  readonly min: Binary<T>;
  /** NaN if either is. */
  readonly max: Binary<T>;
}

export const f32: FloatInstructions<'f32'> = {
  const: (value) => leaving([0x43, floatBytes('f32', value)]),
  load: load(0x2a),
  store: store(0x38),
  eq: binary(0x5b),
  ne: binary(0x5c),
  gt: binary(0x5e),
  neg: unary(0x8c),
  sqrt: unary(0x91),
  add: binary(0x92),
  sub: binary(0x93),
  mul: binary(0x94),
  div: binary(0x95),
  min: binary(0x96),
  max: binary(0x97),
};

export const f64: FloatInstructions<'f64'> = {
  const: (value) => leaving([0x44, floatBytes('f64', value)]),
  load: load(0x2b),
  store: store(0x39),
  eq: binary(0x61),
  ne: binary(0x62),
  gt: binary(0x64),
  neg: unary(0x9a),
  sqrt: unary(0x9f),
  add: binary(0xa0),
  sub: binary(0xa1),
  mul: binary(0xa2),
  div: binary(0xa3),
  min: binary(0xa4),
  max: binary(0xa5),
};

/** Conversions to and from f64, of numbers and of vectors. */
export const convert: {
  /** Traps on a number that does not fit. */
  readonly i32FromF64U: Unary<'f64', 'i32'>;
  readonly f64FromI32: Unary<'i32', 'f64'>;
  readonly f64FromI32U: Unary<'i32', 'f64'>;
  readonly f32FromF64: Unary<'f64', 'f32'>;
  readonly f64FromF32: Unary<'f32', 'f64'>;
  readonly f64FromBits: Unary<'i64', 'f64'>;
  /** The lower two of four f32. */
  readonly f64x2FromF32x4: Unary<'v128'>;
} = {
  i32FromF64U: unary(0xab),
  f64FromI32: unary(0xb7),
  f64FromI32U: unary(0xb8),
  f32FromF64: unary(0xb6),
  f64FromF32: unary(0xbb),
  f64FromBits: unary(0xbf),
  f64x2FromF32x4: simd1(95),
};

/** Instructions of whole vectors, whatever their lanes. */
export const v128: {
  readonly load: Load<'v128'>;
  /** 8 signed bytes, each as an integer of 16 bits. */
  readonly load8x8S: Load<'v128'>;
  /** The same 16 bits in each lane. */
  readonly load16Splat: Load<'v128'>;
  /** 4 bytes, then zeros. */
  readonly load32Zero: Load<'v128'>;
  /** 8 bytes, then zeros. */
  readonly load64Zero: Load<'v128'>;
  readonly store: Store<'v128'>;
  /** Stores 16 bits, those of a lane. */
  readonly store16Lane: FloatVector<ValueType>['storeLane'];
  /** Stores 64 bits, those of a lane. */
  readonly store64Lane: FloatVector<ValueType>['storeLane'];
  /** Sixteen bytes. */
  readonly const: (bytes: readonly number[]) => Code<'v128'>;
  readonly not: Unary<'v128'>;
  readonly and: Binary<'v128'>;
  /** a & ~b */
  readonly andnot: Binary<'v128'>;
  readonly or: Binary<'v128'>;
  /** Bits of a where c has 1, of b elsewhere. */
  readonly bitselect: Ternary<'v128'>;
  readonly anyTrue: Unary<'v128', 'i32'>;
  /** Bytes 0 to 15 are those of a, 16 to 31 those of b. */
  readonly shuffle: (a: Code<'v128'>, b: Code<'v128'>, bytes: readonly number[]) => Code<'v128'>;
} = {
  load: simdLoad(0),
  load8x8S: simdLoad(1),
  load16Splat: simdLoad(8),
  load32Zero: simdLoad(92),
  load64Zero: simdLoad(93),
  store: store(...simd(11)),
  store16Lane: storeLane(89),
  store64Lane: storeLane(91),
  const: (bytes) => leaving([simd(12), bytes]),
  not: simd1(77),
  and: simd2(78),
  andnot: simd2(79),
  or: simd2(80),
  bitselect: simd3(82),
  anyTrue: unary(...simd(83)),
  shuffle: (a, b, bytes) => leaving([a, b, simd(13), bytes]),
};

/** Instructions that vectors of integers of 32 and 64 bits have. */
export interface IntegerVector<T extends 'i32' | 'i64'> {
  readonly splat: Unary<T, 'v128'>;
  readonly shl: (a: Code<'v128'>, bits: Code<'i32'>) => Code<'v128'>;
  readonly add: Binary<'v128'>;
  /** All bits of a lane where they differ. */
  readonly ne: Binary<'v128'>;
}

const shl = (opcode: number): IntegerVector<'i32'>['shl'] => {
  const bytes = simd(opcode);
  return (a, bits) => leaving([a, bits, bytes]);
};

/** Instructions of vectors of 32-bit integers. Comparisons leave all bits of a lane, or none. */
export interface I32x4Instructions extends IntegerVector<'i32'> {
  readonly shrS: IntegerVector<'i32'>['shl'];
  readonly shrU: IntegerVector<'i32'>['shl'];
  readonly sub: Binary<'v128'>;
  readonly ltS: Binary<'v128'>;
  readonly gtS: Binary<'v128'>;
  readonly minS: Binary<'v128'>;
  /** The lower 16 bits of numbers from 0 to 65,535: those of a, then those of b. */
  readonly narrowU: Binary<'v128'>;
  /** Each as a float32, rounded. */
  readonly toF32: Unary<'v128'>;
}

export const i32x4: I32x4Instructions = {
  splat: splat(17),
  shl: shl(171),
  shrS: shl(172),
  shrU: shl(173),
  add: simd2(174),
  sub: simd2(177),
  ne: simd2(56),
  ltS: simd2(57),
  gtS: simd2(59),
  minS: simd2(182),
  narrowU: simd2(134),
  toF32: simd1(250),
};

/** Instructions of vectors of 16-bit integers. */
export interface I16x8Instructions {
  readonly splat: Unary<'i32', 'v128'>;
  readonly shl: IntegerVector<'i32'>['shl'];
  readonly shrS: IntegerVector<'i32'>['shl'];
  readonly shrU: IntegerVector<'i32'>['shl'];
  /** The larger of each, as signed integers. */
  readonly maxS: Binary<'v128'>;
  /** All bits of a lane where a is larger, as signed integers. */
  readonly gtS: Binary<'v128'>;
}

export const i16x8: I16x8Instructions = {
  splat: splat(16),
  shl: shl(139),
  shrS: shl(140),
  shrU: shl(141),
  maxS: simd2(152),
  gtS: simd2(49),
};
export const i64x2: IntegerVector<'i64'> = {
  splat: splat(18),
  shl: shl(203),
  add: simd2(206),
  ne: simd2(215),
};

/** The lower or the upper half of a vector's integers, each twice as wide. */
export const extend: {
  readonly i16x8LowU8: Unary<'v128'>;
  readonly i16x8LowS8: Unary<'v128'>;
  readonly i16x8HighS8: Unary<'v128'>;
  readonly i32x4LowS16: Unary<'v128'>;
  readonly i32x4HighS16: Unary<'v128'>;
  readonly i32x4LowU16: Unary<'v128'>;
  readonly i64x2LowS32: Unary<'v128'>;
} = {
  i16x8LowU8: simd1(137),
  i16x8LowS8: simd1(135),
  i16x8HighS8: simd1(136),
  i32x4LowS16: simd1(167),
  i32x4HighS16: simd1(168),
  i32x4LowU16: simd1(169),
  i64x2LowS32: simd1(199),
};

/** Instructions that vectors of floats of both sizes have. Comparisons leave all bits of a lane, or none. */
export interface FloatVector<T extends ValueType> {
  readonly loadSplat: Load<'v128'>;
  readonly splat: Unary<T, 'v128'>;
  readonly extract: (a: Code<'v128'>, lane: number) => Code<T>;
  readonly storeLane: (
    address: Code<'i32'>,
    value: Code<'v128'>,
    lane: number,
    offset?: number,
  ) => Code<'none'>;
  readonly eq: Binary<'v128'>;
  readonly lt: Binary<'v128'>;
  readonly abs: Unary<'v128'>;
  readonly add: Binary<'v128'>;
  readonly sub: Binary<'v128'>;
  readonly mul: Binary<'v128'>;
  readonly div: Binary<'v128'>;
  /** b < a ? b : a, so a NaN in a stays. */
  readonly pmin: Binary<'v128'>;
  /** a < b ? b : a, so a NaN in a stays and one in b goes. */
  readonly pmax: Binary<'v128'>;
  /** a · b + c, rounded once or twice. */
  readonly relaxedMadd: Ternary<'v128'>;
  /** −(a · b) + c, rounded once or twice. */
  readonly relaxedNmadd: Ternary<'v128'>;
}

export const f32x4: FloatVector<'f32'> = {
  loadSplat: simdLoad(9),
  splat: splat(19),
  extract: extractLane(31),
  storeLane: storeLane(90),
  eq: simd2(65),
  lt: simd2(67),
  abs: simd1(224),
  add: simd2(228),
  sub: simd2(229),
  mul: simd2(230),
  div: simd2(231),
  pmin: simd2(234),
  pmax: simd2(235),
  relaxedMadd: simd3(0x105),
  relaxedNmadd: simd3(0x106),
};

export const f64x2: FloatVector<'f64'> = {
  loadSplat: simdLoad(10),
  splat: splat(20),
  extract: extractLane(33),
  storeLane: storeLane(91),
  eq: simd2(71),
  lt: simd2(73),
  abs: simd1(236),
  add: simd2(240),
  sub: simd2(241),
  mul: simd2(242),
  div: simd2(243),
  pmin: simd2(246),
  pmax: simd2(247),
  relaxedMadd: simd3(0x107),
  relaxedNmadd: simd3(0x108),
};

/** Fills `size` bytes with a byte. */
export const memoryFill = (address: Code<'i32'>, byte: Code<'i32'>, size: Code<'i32'>): Code<'none'> =>
  leaving([address, byte, size, 0xfc, 0x0b, 0x00]);

/** Copies `size` bytes. */
export const memoryCopy = (to: Code<'i32'>, from: Code<'i32'>, size: Code<'i32'>): Code<'none'> =>
  leaving([to, from, size, 0xfc, 0x0a, 0x00, 0x00]);

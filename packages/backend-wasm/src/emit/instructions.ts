import { type Code, signed, signed64, unsigned } from './code.ts';

/*
 * The instructions that the kernels use, by their names in the WebAssembly specification (core, SIMD, and relaxed
 * SIMD). Operands come first, as the stack wants them: i32.add(a, b) is code that leaves a + b.
 */

type Unary = (a: Code) => Code;
type Binary = (a: Code, b: Code) => Code;
type Ternary = (a: Code, b: Code, c: Code) => Code;
/** `offset` in bytes, added to the address without wrapping. */
type Load = (address: Code, offset?: number) => Code;
type Store = (address: Code, value: Code, offset?: number) => Code;

const unary =
  (...opcode: number[]): Unary =>
  (a) => [a, opcode];
const binary =
  (...opcode: number[]): Binary =>
  (a, b) => [a, b, opcode];
/** Alignment is a hint only; 0 is always right. */
const load =
  (...opcode: number[]): Load =>
  (address, offset = 0) => [address, opcode, 0, unsigned(offset)];
const store =
  (...opcode: number[]): Store =>
  (address, value, offset = 0) => [address, value, opcode, 0, unsigned(offset)];

/** A SIMD opcode: the prefix, then LEB128. */
const simd = (opcode: number): number[] =>
  opcode < 0x80 ? [0xfd, opcode] : [0xfd, (opcode & 0x7f) | 0x80, opcode >> 7];
const simd1 = (opcode: number): Unary => unary(...simd(opcode));
const simd2 = (opcode: number): Binary => binary(...simd(opcode));
const simd3 =
  (opcode: number): Ternary =>
  (a, b, c) => [a, b, c, simd(opcode)];
const simdLoad = (opcode: number): Load => load(...simd(opcode));
const storeLane =
  (opcode: number) =>
  (address: Code, value: Code, lane: number, offset = 0): Code => [
    address,
    value,
    simd(opcode),
    0,
    unsigned(offset),
    lane,
  ];
const extractLane =
  (opcode: number) =>
  (a: Code, lane: number): Code => [a, simd(opcode), lane];

export function floatBytes(type: 'f32' | 'f64', value: number): number[] {
  const bytes = new DataView(new ArrayBuffer(8));
  if (type === 'f32') bytes.setFloat32(0, value, true);
  else bytes.setFloat64(0, value, true);
  return Array.from({ length: type === 'f32' ? 4 : 8 }, (_, n) => bytes.getUint8(n));
}

/** An i32 constant. */
export const int = (value: number): Code => [0x41, signed(value)];

export const i32: Readonly<Record<'load' | 'load8U', Load>> &
  Readonly<Record<'store' | 'store8', Store>> &
  Readonly<Record<'eqz' | 'wrap', Unary>> &
  Readonly<
    Record<
      | 'eq'
      | 'ne'
      | 'ltS'
      | 'ltU'
      | 'gtS'
      | 'geS'
      | 'add'
      | 'sub'
      | 'mul'
      | 'divU'
      | 'remU'
      | 'and'
      | 'or'
      | 'xor'
      | 'shl'
      | 'shrU',
      Binary
    >
  > = {
  load: load(0x28),
  load8U: load(0x2d),
  store: store(0x36),
  store8: store(0x3a),
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

export const i64: Readonly<Record<'add' | 'sub' | 'mul' | 'shrU', Binary>> &
  Readonly<Record<'extendS' | 'extendU' | 'reinterpret', Unary>> & {
    readonly const: (value: bigint) => Code;
  } = {
  const: (value: bigint): Code => [0x42, signed64(BigInt.asIntN(64, value))],
  add: binary(0x7c),
  sub: binary(0x7d),
  mul: binary(0x7e),
  shrU: binary(0x88),
  extendS: unary(0xac),
  extendU: unary(0xad),
  reinterpret: unary(0xbd),
};

/** Instructions that floats of both sizes have. */
export interface FloatInstructions {
  readonly const: (value: number) => Code;
  readonly load: Load;
  readonly store: Store;
  readonly eq: Binary;
  readonly ne: Binary;
  readonly gt: Binary;
  readonly neg: Unary;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  /** NaN when either is. */
  readonly min: Binary;
  /** NaN when either is. */
  readonly max: Binary;
}

export const f32: FloatInstructions = {
  const: (value) => [0x43, floatBytes('f32', value)],
  load: load(0x2a),
  store: store(0x38),
  eq: binary(0x5b),
  ne: binary(0x5c),
  gt: binary(0x5e),
  neg: unary(0x8c),
  add: binary(0x92),
  sub: binary(0x93),
  mul: binary(0x94),
  div: binary(0x95),
  min: binary(0x96),
  max: binary(0x97),
};

export const f64: FloatInstructions = {
  const: (value) => [0x44, floatBytes('f64', value)],
  load: load(0x2b),
  store: store(0x39),
  eq: binary(0x61),
  ne: binary(0x62),
  gt: binary(0x64),
  neg: unary(0x9a),
  add: binary(0xa0),
  sub: binary(0xa1),
  mul: binary(0xa2),
  div: binary(0xa3),
  min: binary(0xa4),
  max: binary(0xa5),
};

export const convert: Readonly<
  Record<'i32FromF64U' | 'f64FromI32' | 'f64FromI32U' | 'f32FromF64' | 'f64FromF32' | 'f64FromBits', Unary>
> = {
  /** Traps on what does not fit. */
  i32FromF64U: unary(0xab),
  f64FromI32: unary(0xb7),
  f64FromI32U: unary(0xb8),
  f32FromF64: unary(0xb6),
  f64FromF32: unary(0xbb),
  f64FromBits: unary(0xbf),
};

export const v128: Readonly<Record<'load' | 'load32Zero' | 'load64Zero', Load>> &
  Readonly<Record<'store', Store>> &
  Readonly<Record<'not' | 'anyTrue', Unary>> &
  Readonly<Record<'and' | 'andnot' | 'or', Binary>> &
  Readonly<Record<'bitselect', Ternary>> & {
    readonly const: (bytes: readonly number[]) => Code;
    /** Bytes 0 to 15 are those of a, 16 to 31 those of b. */
    readonly shuffle: (a: Code, b: Code, bytes: readonly number[]) => Code;
  } = {
  load: simdLoad(0),
  load32Zero: simdLoad(92),
  load64Zero: simdLoad(93),
  store: store(...simd(11)),
  const: (bytes: readonly number[]): Code => [simd(12), bytes],
  not: simd1(77),
  and: simd2(78),
  /** a & ~b */
  andnot: simd2(79),
  or: simd2(80),
  /** Bits of a where c has 1, of b elsewhere. */
  bitselect: simd3(82),
  anyTrue: simd1(83),
  /** Bytes 0 to 15 are those of a, 16 to 31 those of b. */
  shuffle: (a: Code, b: Code, bytes: readonly number[]): Code => [a, b, simd(13), bytes],
};

/** Instructions that vectors of integers of 32 and 64 bits have. */
interface IntegerVector {
  readonly splat: Unary;
  readonly shl: Binary;
  readonly add: Binary;
  readonly ne: Binary;
}

export const i32x4: IntegerVector = { splat: simd1(17), shl: simd2(171), add: simd2(174), ne: simd2(56) };
export const i64x2: IntegerVector = { splat: simd1(18), shl: simd2(203), add: simd2(206), ne: simd2(215) };

export const extend: Readonly<Record<'i16x8LowU8' | 'i32x4LowU16' | 'i64x2LowS32', Unary>> = {
  i16x8LowU8: simd1(137),
  i32x4LowU16: simd1(169),
  i64x2LowS32: simd1(199),
};

/** Instructions that vectors of floats of both sizes have. */
export interface FloatVector {
  readonly loadSplat: Load;
  readonly splat: Unary;
  readonly extract: (a: Code, lane: number) => Code;
  readonly storeLane: (address: Code, value: Code, lane: number, offset?: number) => Code;
  readonly eq: Binary;
  readonly lt: Binary;
  readonly abs: Unary;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  /** b < a ? b : a, so a NaN in a stays. */
  readonly pmin: Binary;
  /** a < b ? b : a, so a NaN in a stays and one in b goes. */
  readonly pmax: Binary;
  /** a · b + c, rounded once or twice. */
  readonly relaxedMadd: Ternary;
  /** −(a · b) + c, rounded once or twice. */
  readonly relaxedNmadd: Ternary;
}

export const f32x4: FloatVector = {
  loadSplat: simdLoad(9),
  splat: simd1(19),
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

export const f64x2: FloatVector = {
  loadSplat: simdLoad(10),
  splat: simd1(20),
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
export const memoryFill = (address: Code, byte: Code, size: Code): Code => [
  address,
  byte,
  size,
  0xfc,
  0x0b,
  0x00,
];

/** Copies `size` bytes. */
export const memoryCopy = (to: Code, from: Code, size: Code): Code => [
  to,
  from,
  size,
  0xfc,
  0x0a,
  0x00,
  0x00,
];

import type { FloatDType } from '@heed/core';
import { isHalf } from '@heed/core/backend';
import {
  type Block,
  type Code,
  type Locals,
  type Variable,
  after,
  f32x4,
  i32,
  i32x4,
  int,
  v128,
} from '@heed/core/wasm';
import type { Element } from './element.ts';

/** Two vectors of numbers. */
export interface Pair {
  readonly prepare: Block;
  readonly low: Code<'v128'>;
  readonly high: Code<'v128'>;
}

/**
 * Form in which a tensor's numbers lie in memory. Kernels compute in elements, float32 or float64; 16-bit numbers are
 * widened where they are read, and rounded to nearest, ties to even, where results are written.
 */
export interface Storage {
  readonly dtype: FloatDType;
  readonly bytes: 2 | 4 | 8;
  /** True if numbers are widened when read and rounded when written. */
  readonly half: boolean;
  /** As many numbers as a vector has lanes. */
  load(body: Locals, address: Code<'i32'>, offset?: number): Code<'v128'>;
  /** Two vectors, one after another: `prepare` comes before `low` and `high`. */
  loadPair(body: Locals, address: Code<'i32'>, offset?: number): Pair;
  /** The same number in each lane. */
  loadSplat(body: Locals, address: Code<'i32'>, offset?: number): Code<'v128'>;
  /** Stores a vector, or its first lanes. */
  store(
    body: Locals,
    address: Code<'i32'>,
    value: Variable<'v128'>,
    options?: { readonly lanes?: number; readonly offset?: number },
  ): Block;
  /** Bytes that so many numbers take. */
  size(elements: Code<'i32'>): Code<'i32'>;
  /** Bytes that the numbers in so many bytes take as elements. */
  toElements(bytes: Code<'i32'>): Code<'i32'>;
}

export function storageOf(dtype: FloatDType, element: Element): Storage {
  if (!isHalf(dtype)) return elementStorage(element);
  const { widen, round } = FORMATS[dtype];
  return {
    dtype,
    bytes: 2,
    half: true,
    load: (body, address, offset) => widen(body, unpackLow(v128.load64Zero(address, offset))),
    loadPair(body, address, offset) {
      const bits = body.local('v128');
      const prepare = bits.set(v128.load(address, offset));
      return { prepare, low: widen(body, unpackLow(bits)), high: widen(body, unpackHigh(bits)) };
    },
    loadSplat: (body, address, offset) => widen(body, unpackLow(v128.load16Splat(address, offset))),
    store(body, address, value, { lanes = 4, offset = 0 } = {}) {
      const bits = body.local('v128');
      return [
        bits.set(round(body, value)),
        bits.set(i32x4.narrowU(bits, bits)),
        lanes === 4
          ? v128.store64Lane(address, bits, 0, offset)
          : Array.from({ length: lanes }, (_, n) => v128.store16Lane(address, bits, n, offset + 2 * n)),
      ];
    },
    size: (elements) => i32.shl(elements, int(1)),
    toElements: (bytes) => i32.shl(bytes, int(1)),
  };
}

/** Storage of elements themselves. */
export function elementStorage({ dtype, bytes, lanes, vector, size }: Element): Storage {
  return {
    dtype,
    bytes,
    half: false,
    load: (_, address, offset) => v128.load(address, offset),
    loadPair: (_, address, offset = 0) => ({
      prepare: [],
      low: v128.load(address, offset),
      high: v128.load(address, offset + 16),
    }),
    loadSplat: (_, address, offset) => vector.loadSplat(address, offset),
    store: (_, address, value, options = {}) =>
      (options.lanes ?? lanes) === lanes
        ? v128.store(address, value, options.offset)
        : Array.from({ length: options.lanes! }, (__, n) =>
            vector.storeLane(address, value, n, (options.offset ?? 0) + n * bytes),
          ),
    size,
    toElements: (given) => given,
  };
}

const ZERO = v128.const(Array<number>(16).fill(0));

/**
 * Four of eight numbers of 32 bits whose lower and upper halves are in two vectors: from number 0 or from number 4 on. Engines
 * know this order, which is one instruction.
 */
export function interleaved(low: Code<'v128'>, high: Code<'v128'>, first: 0 | 4): Code<'v128'> {
  const bytes = [0, 1, 2, 3].flatMap((lane) => {
    const at = 2 * (first + lane);
    return [at, at + 1, 16 + at, 17 + at];
  });
  return v128.shuffle(low, high, bytes);
}

/** Bytes 0 to 7, or 8 to 15, each as the upper byte of 16 bits; the lower bytes are those of the first vector, zeros mostly. */
export function upperBytes(zero: Code<'v128'>, bytes: Code<'v128'>, first: 0 | 8): Code<'v128'> {
  const order = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((n) => [first + n, 16 + first + n]);
  return v128.shuffle(zero, bytes, order);
}

/** Four of eight numbers of 16 bits, the lower or the upper ones, each as the upper half of 32 bits. */
const unpackLow = (bits: Code<'v128'>): Code<'v128'> => interleaved(ZERO, bits, 0);
const unpackHigh = (bits: Code<'v128'>): Code<'v128'> => interleaved(ZERO, bits, 4);

/** The same 32 bits in each lane. */
const lanesOf = (bits: number): Code<'v128'> =>
  v128.const([0, 1, 2, 3].flatMap(() => [0, 8, 16, 24].map((shift) => (bits >>> shift) & 0xff)));

interface Format {
  /** Four float32 from bits that are the upper halves of 32. */
  widen(body: Locals, bits: Code<'v128'>): Code<'v128'>;
  /** The bits of four float32, rounded, as integers of 32 bits. */
  round(body: Locals, value: Variable<'v128'>): Code<'v128'>;
}

/**
 * A binary16 in the upper half of 32 bits, shifted to the place of a float32's fraction, is the number times 2⁻¹¹², also
 * where it is subnormal. Infinity and NaN, exponent 31, become 65,536 and more. The arithmetic shift leaves three copies of
 * the sign.
 */
const scaledFloat16 = (bits: Code<'v128'>): Code<'v128'> =>
  v128.and(i32x4.shrS(bits, int(3)), lanesOf(0x8fffffff));
/** 2¹¹², the factor of `scaledFloat16`. */
const FLOAT16_SCALE: Code<'v128'> = lanesOf(0x77800000);
const INFINITY = lanesOf(0x7f800000);
const MAGNITUDE = lanesOf(0x7fffffff);

const FORMATS: Readonly<Record<'float16' | 'bfloat16', Format>> = {
  float16: {
    widen(body, bits) {
      const number = body.local('v128');
      return after(
        number.set(f32x4.mul(scaledFloat16(bits), FLOAT16_SCALE)),
        // All bits of the exponent, if it was all ones.
        v128.or(number, v128.andnot(INFINITY, f32x4.lt(f32x4.abs(number), lanesOf(0x47800000)))),
      );
    },
    /**
     * Numbers from 2⁻¹⁴ on: half a unit in the last place, less one unless the place is odd, carries where it must, up to
     * infinity. Smaller ones are counted in 2⁻²⁴ by adding 0.5, whose last place that is.
     */
    round(body, value) {
      const [size, normal, small] = body.locals('v128', 3);
      const odd = v128.and(i32x4.shrU(size, int(13)), lanesOf(1));
      return after(
        [
          size.set(v128.and(value, MAGNITUDE)),
          normal.set(i32x4.add(i32x4.add(size, lanesOf(0xfff)), odd)),
          normal.set(i32x4.sub(i32x4.shrU(normal, int(13)), lanesOf(112 << 10))),
          normal.set(i32x4.minS(normal, lanesOf(0x7c00))),
          normal.set(v128.bitselect(lanesOf(0x7e00), normal, i32x4.gtS(size, INFINITY))),
          small.set(i32x4.sub(f32x4.add(size, lanesOf(0x3f000000)), lanesOf(0x3f000000))),
          normal.set(v128.bitselect(small, normal, i32x4.ltS(size, lanesOf(0x38800000)))),
        ],
        v128.or(normal, v128.and(i32x4.shrU(value, int(16)), lanesOf(0x8000))),
      );
    },
  },
  bfloat16: {
    widen: (_, bits) => bits,
    round(body, value) {
      const [size, rounded] = body.locals('v128', 2);
      const odd = v128.and(i32x4.shrU(size, int(16)), lanesOf(1));
      return after(
        [
          size.set(v128.and(value, MAGNITUDE)),
          rounded.set(i32x4.shrU(i32x4.add(i32x4.add(size, lanesOf(0x7fff)), odd), int(16))),
          rounded.set(v128.bitselect(lanesOf(0x7fc0), rounded, i32x4.gtS(size, INFINITY))),
        ],
        v128.or(rounded, v128.and(i32x4.shrU(value, int(16)), lanesOf(0x8000))),
      );
    },
  },
};

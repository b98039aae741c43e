import { HeedError } from './error.ts';
import type { AttentionInputs } from './inputs.ts';
import type { AttentionProblem } from './problem.ts';
import { shown } from './options/shown.ts';
import type { ComputeDType, FloatDType, HalfDType, Tensor } from './tensor.ts';

/** Parameters in which the two 16-bit formats differ. */
interface Format {
  /** Bits of the fraction. */
  readonly fraction: number;
  /** The smallest exponent of a normal number; the largest is 1 − minimum. */
  readonly minimum: number;
}

const FORMATS: Readonly<Record<HalfDType, Format>> = {
  float16: { fraction: 10, minimum: -14 },
  bfloat16: { fraction: 7, minimum: -126 },
};

/** Returns whether a type has 16 bits: its tensors hold bits instead of numbers. */
export function isHalf(dtype: unknown): dtype is HalfDType {
  return dtype === 'float16' || dtype === 'bfloat16';
}

/** The type in which scores and sums of a problem are computed, and of its statistics, slopes and sinks. */
export function computeDType(dtype: FloatDType): ComputeDType {
  return dtype === 'float64' ? 'float64' : 'float32';
}

/** The element type of a gradient by its name, such as `dKey`: that of its input. */
export function gradientDType({ dtype, cacheType }: AttentionProblem, name: string): FloatDType {
  if (name === 'dSinks') return computeDType(dtype);
  // Quantized keys have no gradient.
  return name === 'dKey' || name === 'dValue' ? (cacheType as FloatDType) : dtype;
}

/** Returns the exact number that the bits of an IEEE 754 binary16 represent. */
export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const float32 = new Float32Array(1);
const float32Bits = new Uint32Array(float32.buffer);

function fromBfloat16(bits: number): number {
  float32Bits[0] = bits << 16;
  return float32[0]!;
}

const tables: Partial<Record<HalfDType, Float32Array>> = {};

/**
 * Returns the exact numbers that all 2¹⁶ bit patterns represent: `table[bits]`. The table takes 256 KiB, is made once
 * and must not be written to.
 */
export function halfTable(dtype: HalfDType): Float32Array {
  const read = dtype === 'float16' ? fromFloat16 : fromBfloat16;
  return (tables[dtype] ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => read(bits)));
}

const float64 = new Float64Array(1);
const float64Words = new Uint32Array(float64.buffer);
/** Index of the 32-bit word that has the exponent. */
const HIGH: number = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;
/** Adding and subtracting it rounds a number under 2⁵¹ to the nearest integer, ties to even. */
const TO_INTEGER = 1.5 * 2 ** 52;

/**
 * Rounds numbers to the nearest one of a 16-bit type, ties to even (IEEE 754-2019, section 4.3.1). NaN stays NaN.
 * Numbers that exceed the largest one by half a unit in its last place or more become infinite. From float64 it rounds
 * once, not through float32.
 *
 * @param to receives the bits; as long as `from`.
 */
export function toHalf(dtype: HalfDType, from: ArrayLike<number>, to: Uint16Array): void {
  const { fraction, minimum } = FORMATS[dtype];
  const infinity = (3 - 2 * minimum) << fraction;
  const counts = inverseSteps(dtype);
  for (let n = 0; n < to.length; n++) {
    const number = from[n]!;
    float64[0] = number;
    const high = float64Words[HIGH]!;
    const sign = (high >>> 16) & 0x8000;
    // Above the smallest normal number; subnormal numbers have its spacing.
    const exponent = Math.max(0, ((high >>> 20) & 0x7ff) - 1023 - minimum);
    if (exponent < counts.length) {
      const count = Math.abs(number) * counts[exponent]! + TO_INTEGER - TO_INTEGER;
      // A count that is rounded up to the next power of 2 carries into the exponent, up to infinity.
      to[n] = sign | ((exponent << fraction) + count);
    } else to[n] = sign | infinity | (Number.isNaN(number) ? 1 << (fraction - 1) : 0);
  }
}

const inverses: Partial<Record<HalfDType, Float64Array>> = {};

/** Inverse spacings of a type, by the exponent above the smallest normal one: a power for each number is too slow. */
function inverseSteps(dtype: HalfDType): Float64Array {
  const { fraction, minimum } = FORMATS[dtype];
  return (inverses[dtype] ??= Float64Array.from(
    { length: 2 - 2 * minimum },
    (_, exponent) => 2 ** (fraction - minimum - exponent),
  ));
}

/** Returns the numbers of a float tensor: decoded bits of a 16-bit type, otherwise the data itself. */
export function numbersOf({ dtype, data }: Tensor): Exclude<Tensor['data'], Uint16Array> {
  if (!isHalf(dtype)) return data as Exclude<Tensor['data'], Uint16Array>;
  const table = halfTable(dtype);
  const numbers = new Float32Array(data.length);
  for (let n = 0; n < numbers.length; n++) numbers[n] = table[data[n]!]!;
  return numbers;
}

/**
 * Converts a float tensor to another float type, rounding to nearest, ties to even: `cast(key, 'float16')` halves a
 * cache, and `cast(output, 'float32')` makes numbers of 16-bit results. A tensor that already has the type is returned
 * unchanged.
 *
 * @throws HeedError `DTYPE` for a tensor that is not of floats, or another type.
 *
 * @example
 * ```ts
 * import { cast, tensor } from '@heed/core';
 *
 * const half = cast(tensor(new Float32Array([1, 1 / 3]), [2]), 'float16');
 * console.log(half.data.join()); // 15360,13653
 * console.log(cast(half, 'float32').data.join()); // 1,0.333251953125
 * ```
 */
export function cast<D extends FloatDType>(tensor: Tensor, dtype: D): Tensor<D> {
  const known: readonly unknown[] = ['float16', 'bfloat16', 'float32', 'float64'];
  for (const [what, type] of [
    ['the tensor', tensor?.dtype],
    ['dtype', dtype],
  ] as const) {
    if (known.includes(type)) continue;
    throw new HeedError('DTYPE', `cast(): ${what} is ${shown(type)}; expected ${known.join(', ')}`, {
      clause: 'dtype',
      remedy: 'give a tensor of floats and the name of a float type',
    });
  }
  if (tensor.dtype === dtype) return tensor as Tensor<D>;
  const numbers = numbersOf(tensor);
  return { dtype, shape: [...tensor.shape], data: arrayOf(dtype, numbers) } as Tensor as Tensor<D>;
}

function arrayOf(dtype: FloatDType, numbers: ArrayLike<number>): Tensor<FloatDType>['data'] {
  if (dtype === 'float64') return Float64Array.from(numbers);
  if (dtype === 'float32') return Float32Array.from(numbers);
  const bits = new Uint16Array(numbers.length);
  toHalf(dtype, numbers, bits);
  return bits;
}

/** Returns the inputs of a run with numbers instead of bits: tensors of 16-bit types become float32, others stay. */
export function widened<T extends object = AttentionInputs<Tensor>>(inputs: T): T {
  const entries = Object.entries(inputs).map(([name, value]: [string, unknown]) => {
    const tensor = value as Tensor | undefined;
    return [name, isHalf(tensor?.dtype) ? cast(tensor!, 'float32') : value];
  });
  return Object.fromEntries(entries) as T;
}

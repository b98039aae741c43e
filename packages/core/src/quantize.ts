import { HeedError } from './error.ts';
import { numbersOf } from './float16.ts';
import { checkOptions } from './options/check-options.ts';
import { oneOf } from './options/kinds.ts';
import { shown } from './options/shown.ts';
import { type QuantizedDType, type Tensor, checkTensor, zeros } from './tensor.ts';
import { isFloat } from './tensor-like.ts';

/** Quantized rows and the scales of their groups of numbers. */
export interface Quantized<D extends QuantizedDType = QuantizedDType> {
  /** `[…, D]` in `int8`, `[…, D / 2]` in `int4x2`. */
  readonly numbers: Tensor<D>;
  /** `[…, D / group]` */
  readonly scales: Tensor<'float32'>;
}

/** The largest integer of each type: ranges are symmetric, the smallest one is not used. */
const LARGEST: Readonly<Record<QuantizedDType, number>> = { int8: 127, int4x2: 7 };

function refuse(code: 'SHAPE' | 'DTYPE' | 'ARGUMENT', message: string, remedy: string): never {
  throw new HeedError(code, message, { clause: 'cache', remedy });
}

/**
 * Quantizes keys or values: each group of numbers of a row is integers times one scale, the largest size of the group
 * over 127, or over 7 in 4 bits (ggml's `Q8_0` and `Q4_0` have groups of 32, too).
 *
 * @param tensor floats `[…, D]`, all finite.
 * @param options `group`: numbers that share a scale, 32 or D. Default 32 where D is a multiple of it, else D.
 * @throws HeedError `DTYPE`, `SHAPE`; `ARGUMENT` for NaN, infinity or another group; `UNKNOWN_OPTION`.
 *
 * @example
 * ```ts
 * import { dequantize, quantize, tensor } from '@heed/core';
 *
 * const key = tensor(new Float32Array([1, -0.5, 0.25, 0]), [1, 4]);
 * const { numbers, scales } = quantize(key, 'int8');
 * console.log(numbers.data.join()); // 127,-64,32,0
 * console.log(dequantize(numbers, scales).data[0]); // 1
 * ```
 */
export function quantize<D extends QuantizedDType>(
  tensor: Tensor,
  type: D,
  options: { readonly group?: number | undefined } = {},
): Quantized<D> {
  checkTensor('the tensor', tensor);
  if (!isFloat(tensor.dtype)) {
    refuse('DTYPE', `quantize(): the tensor is ${tensor.dtype}; expected floats`, 'give a tensor of floats');
  }
  if (!Object.hasOwn(LARGEST, type)) {
    refuse('DTYPE', `quantize(): the type is ${shown(type)}; expected int8 or int4x2`, 'name one of the two');
  }
  const depth = tensor.shape.at(-1) ?? 0;
  if (depth === 0 || (type === 'int4x2' && depth % 2 === 1)) {
    const expected = type === 'int4x2' ? 'an even D ≥ 2' : 'D ≥ 1';
    refuse(
      'SHAPE',
      `quantize(): rows have ${depth} numbers; expected ${expected}`,
      `give rows with ${expected}`,
    );
  }
  const groups = depth % 32 === 0 ? [32, depth] : [depth];
  checkOptions('quantize()', options, { group: oneOf(...groups) });
  const group = options.group ?? groups[0]!;

  const rows = tensor.shape.slice(0, -1);
  const numbers = zeros(type, [...rows, type === 'int4x2' ? depth / 2 : depth]);
  const scales = zeros('float32', [...rows, depth / group]);
  const given = numbersOf(tensor);
  for (let g = 0; g < scales.data.length; g++) {
    quantizeGroup(given.subarray(g * group, (g + 1) * group), g, numbers, scales);
  }
  return { numbers, scales };
}

function quantizeGroup(
  given: ArrayLike<number>,
  g: number,
  { dtype, data }: Tensor<QuantizedDType>,
  scales: Tensor<'float32'>,
): void {
  const largest = LARGEST[dtype];
  let size = 0;
  for (let n = 0; n < given.length; n++) size = Math.max(size, Math.abs(given[n]!));
  if (!Number.isFinite(size)) {
    refuse(
      'ARGUMENT',
      'quantize(): the tensor has NaN or infinity; expected finite numbers',
      'leave them out',
    );
  }
  scales.data[g] = size / largest;
  // By the scale as it is stored, so that dequantizing gives the nearest number. A tiny one may have become 0.
  const scale = scales.data[g]!;
  for (let n = 0; n < given.length; n++) {
    const rounded = scale === 0 ? 0 : Math.round(given[n]! / scale);
    const integer = Math.max(-largest, Math.min(largest, rounded));
    const at = g * given.length + n;
    if (dtype === 'int8') data[at] = integer;
    else data[at >> 1]! |= (integer & 15) << (4 * (at & 1));
  }
}

/** Returns integer n of quantized numbers. */
export function integerAt({ dtype, data }: Pick<Tensor, 'dtype' | 'data'>, n: number): number {
  if (dtype === 'int8') return data[n]!;
  return (data[n >> 1]! << (n & 1 ? 24 : 28)) >> 28;
}

/**
 * Returns the numbers of quantized keys or values, rounded to float32.
 *
 * @param numbers `[…, D]` in `int8`, `[…, D / 2]` in `int4x2`.
 * @param scales `[…, D / group]`
 * @throws HeedError `DTYPE` or `SHAPE`.
 */
export function dequantize(numbers: Tensor<QuantizedDType>, scales: Tensor<'float32'>): Tensor<'float32'> {
  checkTensor('numbers', numbers);
  checkTensor('scales', scales);
  if (!Object.hasOwn(LARGEST, numbers.dtype) || scales.dtype !== 'float32') {
    refuse(
      'DTYPE',
      `dequantize(): numbers are ${numbers.dtype}, scales ${scales.dtype}; expected int8 or int4x2, and float32`,
      'give both as quantize() returned them',
    );
  }
  const rows = numbers.shape.slice(0, -1);
  const depth = (numbers.shape.at(-1) ?? 0) * (numbers.dtype === 'int4x2' ? 2 : 1);
  const group = depth / (scales.shape.at(-1) ?? 0);
  if (scales.shape.slice(0, -1).join() !== rows.join() || !Number.isInteger(group)) {
    refuse(
      'SHAPE',
      `dequantize(): numbers are [${numbers.shape.join(', ')}], scales [${scales.shape.join(', ')}]; expected the same rows`,
      'give both as quantize() returned them',
    );
  }
  const result = zeros('float32', [...rows, depth]);
  for (let n = 0; n < result.data.length; n++) {
    result.data[n] = integerAt(numbers, n) * scales.data[Math.floor(n / group)]!;
  }
  return result;
}

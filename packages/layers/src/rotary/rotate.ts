import { HeedError, type PlainTensorLike, type Tensor } from '@heed/core';
import { checkOptions, flag } from '@heed/core/backend';
import { rotaryTable, rotateHere } from '@heed/core/operations';
import { type FloatTensorLike, floatTensor, integers } from '../tensor-like.ts';
import { type FloatTensor, checkPlain, checkShape } from '../tensors.ts';
import { frequenciesOf } from './frequencies.ts';
import { type RotaryOptions, checkRotary } from './options.ts';

/** Further inputs of {@link rotate}. */
export interface RotateInputs {
  /** int32 `[L]` or `[B, L]`. Default 0, 1, … */
  readonly positions?: PlainTensorLike | undefined;
  /** Rotates back; applied to dOutput, this is the gradient. Default false. */
  readonly inverse?: boolean | undefined;
}

/**
 * Rotates each pair of numbers by its position times its frequency (Su et al., "RoFormer", 2021), as `MultiHeadAttention` does
 * with `rotary`.
 *
 * @param given `[B, L, H, D]`.
 * @returns `[B, L, H, D]`, a new tensor.
 * @throws HeedError `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`.
 *
 * @example
 * ```ts
 * import { rotate } from '@heed/layers';
 *
 * const turned = rotate([[[[1, 0]]]], { interleaved: true }, { positions: [1] }); // by 1 radian
 * console.log(turned.data[1] === Math.fround(Math.sin(1))); // true
 * ```
 */
export function rotate(
  given: FloatTensorLike,
  rotary: RotaryOptions,
  inputs: RotateInputs = {},
): FloatTensor {
  const heads = floatTensor('heads', given, 'float32');
  checkPlain('heads', heads);
  const dtype = heads.dtype === 'float64' ? 'float64' : 'float32';
  checkShape('heads', heads, dtype, [
    ['B', null],
    ['L', null],
    ['H', null],
    ['D', null],
  ]);
  checkRotary(rotary, heads.shape[3]);
  checkOptions('rotate()', inputs, { positions: true, inverse: flag });
  const { positions, inverse = false } = inputs;
  const [batch, length] = heads.shape;
  const places = positionsOf('positions', positions && integers('positions', positions), batch, length);
  return rotateBy(heads, places, rotary, inverse ? -1 : 1, lengthOf(places));
}

/**
 * Rotates each pair of `[B, L, H, D]` by its position times its frequency, into a new tensor.
 *
 * @param positions int32 `[L]` or `[B, L]`.
 * @param direction 1 forward; −1 is the gradient.
 * @param span how many positions there are in all, for `dynamic` scaling.
 */
export function rotateBy(
  x: FloatTensor,
  positions: Tensor<'int32'>,
  rotary: RotaryOptions,
  direction: 1 | -1,
  span: number,
): FloatTensor {
  const headDim = x.shape[3];
  const { dim: rotaryDim = headDim, interleaved = false } = rotary;
  const table = rotaryTable({ positions, ...frequenciesOf(rotary, rotaryDim, span), dtype: 'float64' });
  return rotateHere({ headDim, rotaryDim, interleaved }, { input: x, ...table }, direction) as FloatTensor;
}

/** The number of positions up to the last. */
export function lengthOf(...positions: readonly Tensor<'int32'>[]): number {
  return positions.reduce((longest, { data }) => data.reduce((a, b) => Math.max(a, b + 1), longest), 0);
}

/** The positions that were given, or 0, 1, … */
export function positionsOf(
  name: string,
  given: Tensor | undefined,
  batch: number,
  length: number,
): Tensor<'int32'> {
  if (given === undefined) {
    return { dtype: 'int32', shape: [length], data: Int32Array.from({ length }, (_, i) => i) };
  }
  checkPlain(name, given);
  const expected = given.shape.length === 2 ? [batch, length] : [length];
  if (given.dtype !== 'int32' || given.shape.join() !== expected.join()) {
    throw new HeedError(
      given.dtype === 'int32' ? 'SHAPE' : 'DTYPE',
      `${name} is ${given.dtype} [${given.shape.join(', ')}]; expected int32 [L=${length}] or [B=${batch}, L=${length}]`,
      { remedy: 'give the position of each row: tensor(Int32Array.of(…), [L])' },
    );
  }
  return given as Tensor<'int32'>;
}

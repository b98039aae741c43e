import { HeedError, type Tensor } from '@heed/core';
import { checkOptions, flag } from '@heed/core/backend';
import { type FloatTensor, checkPlain } from './tensors.ts';
import { count, positive } from './options.ts';

/** Rotary position embedding of queries and keys (Su et al., "RoFormer", 2021, section 3.2.2). */
export interface RotaryOptions {
  /** θ of the frequencies θ^(−2n / dim). Default 10000. */
  readonly base?: number;
  /** How many numbers of a head are rotated, from its first; even. Default: the whole head. */
  readonly dim?: number;
  /**
   * Which numbers make a pair: neighbours (2n, 2n + 1), as in the paper and GPT-J, or halves (n, n + dim / 2), as in
   * GPT-NeoX and Llama. Default false: halves.
   */
  readonly interleaved?: boolean;
}

/**
 * Rotates each pair of `[B, L, H, D]` by its position times its frequency, into a new tensor.
 *
 * @param positions int32 `[L]` or `[B, L]`.
 * @param direction 1 forward; −1 rotates back, which is also the gradient.
 */
export function rotate(
  x: FloatTensor,
  positions: Tensor<'int32'>,
  { base = 10_000, dim = x.shape[3], interleaved = false }: RotaryOptions,
  direction: 1 | -1,
): FloatTensor {
  const [batch, length, heads, depth] = x.shape;
  const data = x.data.slice();
  const frequencies = Float64Array.from({ length: dim / 2 }, (_, n) => base ** ((-2 * n) / dim));
  const perBatch = positions.shape.length === 2 ? length : 0;
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < length; i++) {
      const position = positions.data[b * perBatch + i];
      frequencies.forEach((frequency, n) => {
        const cosine = Math.cos(position * frequency);
        const sine = direction * Math.sin(position * frequency);
        for (let h = 0; h < heads; h++) {
          const start = ((b * length + i) * heads + h) * depth;
          const first = start + (interleaved ? 2 * n : n);
          const second = first + (interleaved ? 1 : dim / 2);
          data[first] = x.data[first] * cosine - x.data[second] * sine;
          data[second] = x.data[first] * sine + x.data[second] * cosine;
        }
      });
    }
  }
  return { ...x, data };
}

/** @throws HeedError `ARGUMENT`. */
export function checkRotary(rotary: RotaryOptions, headDim: number): void {
  checkOptions('rotary', rotary, { base: positive, dim: count, interleaved: flag });
  const { dim } = rotary;
  const width = dim ?? headDim;
  if (!Number.isSafeInteger(width) || width % 2 !== 0 || width <= 0 || width > headDim) {
    throw new HeedError('ARGUMENT', `rotary.dim is ${width}, expected an even number up to D=${headDim}`, {
      remedy: 'set rotary.dim, or choose an even headDim',
    });
  }
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
      `${name} is ${given.dtype} [${given.shape.join(', ')}], expected int32 [L=${length}] or [B=${batch}, L=${length}]`,
    );
  }
  return given as Tensor<'int32'>;
}

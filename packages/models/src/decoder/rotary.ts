import type { Tensor } from '@heed/core';
import { type RotaryOptions, rotaryFrequencies } from '@heed/layers';

/** Cosines and sines of the positions of a step, which all layers share: `[B · L, dim / 2]` each. */
export interface Angles {
  readonly pairs: number;
  readonly cosines: Float64Array;
  readonly sines: Float64Array;
}

/** @param positions int32 `[B, L]`. */
export function anglesOf(rotary: RotaryOptions, headDim: number, positions: Tensor<'int32'>): Angles {
  const { dim = headDim } = rotary;
  const span = positions.data.reduce((longest, position) => Math.max(longest, position + 1), 0);
  const { frequencies, factor } = rotaryFrequencies({ ...rotary, dim }, span);
  const pairs = frequencies.length;
  const cosines = new Float64Array(positions.data.length * pairs);
  const sines = new Float64Array(cosines.length);
  positions.data.forEach((position, row) => {
    for (let n = 0; n < pairs; n++) {
      cosines[row * pairs + n] = factor * Math.cos(position * frequencies[n]);
      sines[row * pairs + n] = factor * Math.sin(position * frequencies[n]);
    }
  });
  return { pairs, cosines, sines };
}

/** Rotates the halves of `[B, H, L, D]`, in place. */
export function rotateHalves({ shape, data }: Tensor<'float32'>, { pairs, cosines, sines }: Angles): void {
  const [batch, heads, length, depth] = shape as [number, number, number, number];
  for (let b = 0, at = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < length; i++, at += depth) {
        const row = (b * length + i) * pairs;
        for (let n = 0; n < pairs; n++) {
          const [x, y] = [data[at + n], data[at + n + pairs]];
          data[at + n] = x * cosines[row + n] - y * sines[row + n];
          data[at + n + pairs] = x * sines[row + n] + y * cosines[row + n];
        }
      }
    }
  }
}

import type { RotaryInputs, RotaryProblem } from '../operations/rotary/contract.ts';
import { type Tensor, zeros } from '../tensor.ts';

/**
 * Each pair of a head as a complex number, multiplied by cos + i sin, in float64.
 *
 * @param direction 1 forward; −1 multiplies by cos − i sin: with dOutput for input, this is the gradient.
 * @returns float64 `[B, L, H, D]`.
 */
export function referenceRotary(
  { headDim, rotaryDim, interleaved }: Required<RotaryProblem>,
  { input, cosines, sines }: RotaryInputs<Tensor>,
  direction: 1 | -1 = 1,
): Tensor {
  const [batch, length, heads] = input.shape as [number, number, number];
  const output = zeros('float64', input.shape);
  output.data.set(input.data);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < length; i++) {
      const row = cosines.shape.length === 3 ? b * length + i : i;
      for (let h = 0; h < heads; h++) {
        const head = ((b * length + i) * heads + h) * headDim;
        for (let n = 0; n < rotaryDim / 2; n++) {
          const re = head + (interleaved ? 2 * n : n);
          const im = interleaved ? re + 1 : re + rotaryDim / 2;
          const cos = cosines.data[(row * rotaryDim) / 2 + n]!;
          const sin = direction * sines.data[(row * rotaryDim) / 2 + n]!;
          output.data[re] = input.data[re]! * cos - input.data[im]! * sin;
          output.data[im] = input.data[re]! * sin + input.data[im]! * cos;
        }
      }
    }
  }
  return output;
}

import { type ComputeDType, type Tensor, zeros } from '../../tensor.ts';
import type { RotaryInputs, RotaryProblem } from './contract.ts';

type Data = Tensor<ComputeDType>['data'];

/**
 * Heads rotated by their positions, each number rounded once: for engines of the host.
 *
 * @param inputs `input` `[B, L, H, D]`, `cosines` and `sines` `[L, R/2]` or `[B, L, R/2]`.
 * @param direction 1 forward; −1 rotates a gradient back.
 * @param output filled with the result.
 * @returns `[B, L, H, D]`.
 */
export function rotateHere(
  { headDim, rotaryDim, interleaved }: Pick<Required<RotaryProblem>, 'headDim' | 'rotaryDim' | 'interleaved'>,
  { input, cosines, sines }: RotaryInputs<Tensor>,
  direction: 1 | -1 = 1,
  output: Tensor = zeros(input.dtype as ComputeDType, input.shape),
): Tensor {
  const [batch, length, heads] = input.shape as [number, number, number];
  const [from, to, cos, sin] = [input.data, output.data, cosines.data, sines.data] as [
    Data,
    Data,
    Data,
    Data,
  ];
  const angles = rotaryDim / 2;
  const perBatch = cosines.shape.length === 3 ? length : 0;
  const step = interleaved ? 2 : 1;
  const apart = interleaved ? 1 : angles;
  if (rotaryDim < headDim) to.set(from);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < length; i++) {
      const row = (b * perBatch + i) * angles;
      for (let h = 0; h < heads; h++) {
        const at = ((b * length + i) * heads + h) * headDim;
        for (let n = 0; n < angles; n++) {
          const first = at + n * step;
          const [x, y, c, s] = [from[first]!, from[first + apart]!, cos[row + n]!, direction * sin[row + n]!];
          to[first] = x * c - y * s;
          to[first + apart] = x * s + y * c;
        }
      }
    }
  }
  return output;
}

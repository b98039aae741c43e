import { philox4x32 } from '../../backend/gumbel.ts';
import { type ComputeDType, type Tensor, zeros } from '../../tensor.ts';
import type { ElementDropoutInputs, ElementDropoutProblem } from './contract.ts';

/**
 * Elements that are kept, times 1 / (1 − p), and zeros for the others, plus the residual if there is one: for engines of the
 * host. The gradient is the same function of the gradient of the output, without a residual.
 *
 * @param output filled with the result.
 */
export function dropHere(
  { probability }: Pick<ElementDropoutProblem, 'probability'>,
  { input, residual, seed, stream = 0 }: ElementDropoutInputs<Tensor>,
  output: Tensor = zeros(input.dtype as ComputeDType, input.shape),
): Tensor {
  const [from, to] = [input.data as Float64Array, output.data as Float64Array];
  const past = residual?.data as Float64Array | undefined;
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32)] as const;
  const threshold = Math.floor(probability * 2 ** 32);
  const factor = 1 / (1 - probability);
  const { length } = from;
  for (let n = 0; n < length; n += 4) {
    const words = philox4x32([(n / 4) >>> 0, Math.floor(n / 2 ** 34), stream, 0], key);
    const end = Math.min(4, length - n);
    for (let word = 0; word < end; word++) {
      const at = n + word;
      const kept = words[word]! >= threshold ? from[at]! * factor : 0;
      to[at] = past === undefined ? kept : kept + past[at]!;
    }
  }
  return output;
}

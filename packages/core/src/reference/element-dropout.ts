import { philox4x32 } from '../backend/gumbel.ts';
import type { ElementDropoutInputs, ElementDropoutProblem } from '../operations/element-dropout/contract.ts';
import { type Tensor, zeros } from '../tensor.ts';

/**
 * Each element times 1 / (1 − p), or 0 where the word of its place says so, plus the residual, in float64. The gradient is the
 * same function of the gradient of the output, without a residual.
 *
 * @returns float64, of the shape of the input.
 */
export function referenceElementDropout(
  { probability }: Pick<ElementDropoutProblem, 'probability'>,
  { input, residual, seed, stream = 0 }: ElementDropoutInputs<Tensor>,
): Tensor {
  const output = zeros('float64', input.shape);
  for (let n = 0; n < output.data.length; n++) {
    const block = Math.floor(n / 4);
    const counter = [block % 2 ** 32, Math.floor(block / 2 ** 32), stream, 0] as const;
    const word = philox4x32(counter, [seed % 2 ** 32, Math.floor(seed / 2 ** 32)])[n % 4]!;
    const kept = word < Math.floor(probability * 2 ** 32) ? 0 : input.data[n]! / (1 - probability);
    output.data[n] = residual ? kept + residual.data[n]! : kept;
  }
  return output;
}

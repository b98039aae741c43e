import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import { positive } from '../options.ts';
import type { NamedTensors } from '../parameters.ts';
import { checkNamed } from '../tensors.ts';

/**
 * Scales gradients in place so that the norm of all of them together is at most `maximum` (Pascanu, Mikolov and Bengio, "On the
 * difficulty of training recurrent neural networks", 2013), as `torch.nn.utils.clip_grad_norm_`.
 *
 * @returns the norm before.
 * @throws HeedError `ARGUMENT` for a maximum that is not a number > 0; `SHAPE` or `DTYPE` for what is not a gradient.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { clipGradients } from '@heed/layers';
 *
 * const gradients = { weight: tensor(new Float64Array([30, 40]), [2]) };
 * console.log(clipGradients(gradients, 1), gradients.weight.data[0].toFixed(3)); // 50 0.600
 * ```
 */
export function clipGradients(gradients: NamedTensors, maximum: number): number {
  if (!positive.accepts(maximum)) {
    throw new HeedError(
      'ARGUMENT',
      `clipGradients(): maximum is ${shown(maximum)}; expected ${positive.expected}`,
      {
        remedy: 'set maximum to the largest norm that a step may have, 1 for example',
      },
    );
  }
  checkNamed('the gradients', gradients);
  const all = Object.values(gradients);
  let squares = 0;
  for (const { data } of all) for (const value of data) squares += value * value;
  const norm = Math.sqrt(squares);
  // 1e-6 as PyTorch has it, so that steps are the same.
  const factor = maximum / (norm + 1e-6);
  if (factor >= 1) return norm;
  for (const { data } of all) for (let n = 0; n < data.length; n++) data[n] *= factor;
  return norm;
}

import { type Activation, HeedError } from '@heed/core';
import { ACTIVATIONS, CURVES, type Curve, shown, zeros } from '@heed/core/backend';
import { type FloatTensor, checkPlain } from '../tensors.ts';

export type { Activation };

/**
 * Applies a function to each element, into a new tensor.
 *
 * @param input of any shape.
 * @throws HeedError `ARGUMENT` for an unknown name; `SHAPE`.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { activate } from '@heed/layers';
 *
 * console.log(activate('relu', tensor(new Float32Array([-1, 2]), [2])).data.join(' ')); // 0 2
 * ```
 */
export function activate(name: Activation, input: FloatTensor): FloatTensor {
  const { at } = curveOf(name);
  checkPlain('input', input);
  const output = zeros(input.dtype, input.shape);
  for (let n = 0; n < output.data.length; n++) output.data[n] = at(input.data[n]);
  return output;
}

/**
 * The gradient of {@link activate} with respect to its input.
 *
 * @param input what {@link activate} was given.
 * @throws HeedError `ARGUMENT` for an unknown name; `SHAPE`.
 */
export function activationGradient(name: Activation, input: FloatTensor, dOutput: FloatTensor): FloatTensor {
  const { slope } = curveOf(name);
  checkPlain('input', input);
  checkPlain('dOutput', dOutput);
  if (dOutput.shape.join() !== input.shape.join()) {
    throw new HeedError(
      'SHAPE',
      `dOutput is [${dOutput.shape.join(', ')}]; expected the shape of the input, [${input.shape.join(', ')}]`,
      { remedy: 'give the gradient of what forward returned' },
    );
  }
  const dInput = zeros(input.dtype, input.shape);
  // Padding may hold NaN, and 0 · NaN would spread it.
  dOutput.data.forEach((d, n) => {
    if (d !== 0) dInput.data[n] = d * slope(input.data[n]);
  });
  return dInput;
}

function curveOf(name: Activation): Curve {
  if (Object.hasOwn(CURVES, name)) return CURVES[name];
  throw new HeedError('ARGUMENT', `activation is ${shown(name)}; expected one of ${ACTIVATIONS.join(', ')}`, {
    remedy: 'choose one of them: GELU of GPT-2 is geluTanh, swish is silu',
  });
}

import type { FloatTensor } from '@heed/layers';
import { zeros } from './tensors.ts';

export function relu(input: FloatTensor): FloatTensor {
  const output = zeros(input.shape);
  for (let n = 0; n < output.data.length; n++) output.data[n] = Math.max(0, input.data[n]);
  return output;
}

/** @param output what {@link relu} gave. */
export function reluGradient(output: FloatTensor, dOutput: FloatTensor): FloatTensor {
  const dInput = zeros(output.shape);
  for (let n = 0; n < dInput.data.length; n++) dInput.data[n] = output.data[n] > 0 ? dOutput.data[n] : 0;
  return dInput;
}

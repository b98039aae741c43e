import { HeedError } from './error.ts';
import { shown } from './options/shown.ts';
import { type PerBatch, type Tensor, tensor } from './tensor.ts';

/**
 * Returns a list of numbers as a tensor. A value that is not an array stays as it is, to be checked as a tensor.
 *
 * @throws HeedError `ARGUMENT` for numbers that int32 cannot represent.
 */
export function perBatch(name: string, values: PerBatch): Tensor<'int32'> {
  if (!Array.isArray(values)) return values as Tensor<'int32'>;
  // Rounding here would hide a mistake: 2.5 must not become a length of 2.
  const wrong = Array.from(values).findIndex((value) => typeof value !== 'number' || (value | 0) !== value);
  if (wrong !== -1) {
    throw new HeedError('ARGUMENT', `${name} has ${shown(values[wrong])}; expected 32-bit integers`, {
      clause: 'lengths',
      remedy: 'give whole numbers',
    });
  }
  return tensor(Int32Array.from(values), [values.length]);
}

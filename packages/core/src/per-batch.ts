import { HeedError } from './error.ts';
import { shown } from './options/shown.ts';
import { type PerBatch, type Tensor, tensor } from './tensor.ts';

/**
 * Returns the numbers of a batch as a tensor. A value that is not an array stays as it is, to be checked as a tensor.
 *
 * @throws HeedError `ARGUMENT` for numbers that int32 cannot represent.
 */
export function perBatch(values: PerBatch): Tensor<'int32'> {
  if (!Array.isArray(values)) return values as Tensor<'int32'>;
  // Rounding here would hide a mistake: 2.5 must not become a length of 2.
  const wrong = Array.from(values).findIndex((value) => typeof value !== 'number' || (value | 0) !== value);
  if (wrong !== -1) {
    throw new HeedError(
      'ARGUMENT',
      `one of the lengths, starts or offsets is ${shown(values[wrong])}; expected a 32-bit integer`,
      { clause: 'lengths', remedy: 'give whole numbers, one for each element of the batch' },
    );
  }
  return tensor(Int32Array.from(values), [values.length]);
}

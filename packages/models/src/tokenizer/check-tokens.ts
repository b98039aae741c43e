import { HeedError, type PlainTensorLike, type Tensor, isResident } from '@heed/core';
import { toTensor } from '@heed/core/backend';

/**
 * Returns ids as a tensor, `[B, L]`.
 *
 * @param name of the option, for errors.
 * @throws HeedError `DTYPE` or `SHAPE`.
 */
export function checkTokens(name: string, given: PlainTensorLike): Tensor<'int32'> {
  if (Array.isArray(given) && new Set(given.map(lengthOf)).size > 1) {
    throw new HeedError('SHAPE', `${name} are of unequal lengths; expected [B, L]`, {
      remedy: 'give the shorter texts any id at the right, and the lengths as counts',
    });
  }
  const ids = toTensor(name, given, 'int32', 'float32');
  if (isResident(ids) || ids.dtype !== 'int32') {
    throw new HeedError('DTYPE', `${name} are ${ids.dtype}; expected a plain tensor, int32 [B, L]`, {
      remedy: 'give nested arrays of whole numbers, or an Int32Array with a shape',
    });
  }
  if (ids.shape.length === 2 && ids.data.length > 0) return ids as Tensor<'int32'>;
  throw new HeedError('SHAPE', `${name} are [${ids.shape.join(', ')}]; expected [B, L], both 1 or more`, {
    remedy: 'give one text as [ids]',
  });
}

/** Length of a row; null for a number. */
function lengthOf(row: unknown): number | null {
  return Array.isArray(row) ? row.length : null;
}

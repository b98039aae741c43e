import { HeedError } from '../../error.ts';
import { checkOptions } from '../../options/check-options.ts';
import { type Tensor, checkTensor } from '../../tensor.ts';
import type { NativeTensor, WritePosition } from '../memory.ts';

/**
 * Checks that a part fits into a resident tensor.
 *
 * @throws HeedError `DTYPE`, `SHAPE` or `UNKNOWN_OPTION`.
 */
export function checkWrite(target: NativeTensor, part: Tensor, at: WritePosition): void {
  checkTensor('part', part);
  checkOptions('write()', at, { axis: true, start: true });
  const { axis, start } = at;
  if (part.dtype !== target.dtype) {
    throw new HeedError('DTYPE', `part is ${part.dtype}, the resident tensor is ${target.dtype}`, {
      clause: 'resident',
    });
  }
  const fits =
    Number.isSafeInteger(axis) &&
    Number.isSafeInteger(start) &&
    start >= 0 &&
    axis >= 0 &&
    axis < target.shape.length &&
    part.shape.length === target.shape.length &&
    part.shape.every((length, a) =>
      a === axis ? start + length <= target.shape[a]! : length === target.shape[a],
    );
  if (!fits) {
    throw new HeedError(
      'SHAPE',
      `part is [${part.shape.join(', ')}], it does not fit in [${target.shape.join(', ')}] at ${start} of axis ${axis}`,
      {
        clause: 'resident',
        remedy: 'all lengths but that of the axis are equal, and start + length is within it',
      },
    );
  }
}

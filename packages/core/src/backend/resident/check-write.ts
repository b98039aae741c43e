import { HeedError } from '../../error.ts';
import { checkOptions } from '../../options/check-options.ts';
import { type PlainTensorLike, type Tensor, checkTensor } from '../../tensor.ts';
import { toTensor } from '../../tensor-like.ts';
import type { NativeTensor, WritePosition } from '../memory.ts';

/**
 * Checks that a part fits into a resident tensor.
 *
 * @throws HeedError `DTYPE`, `SHAPE` or `UNKNOWN_OPTION`.
 */
export function checkWrite(target: NativeTensor, given: PlainTensorLike, at: WritePosition): Tensor {
  const part = partOf(target, given);
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
  return part;
}

/** Nested arrays hold numbers of the target's type. */
function partOf({ dtype }: NativeTensor, given: PlainTensorLike): Tensor {
  const floats = dtype === 'float64' ? 'float64' : 'float32';
  const slot = ({ bool: 'mask', int32: 'int32', float32: 'float', float64: 'float' } as const)[dtype];
  const part = toTensor('part', given, Array.isArray(given) ? slot : 'any', floats);
  checkTensor('part', part);
  return part;
}

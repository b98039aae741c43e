import { HeedError } from '../../error.ts';
import { checkOptions } from '../../options/check-options.ts';
import { shown } from '../../options/shown.ts';
import { perBatch } from '../../per-batch.ts';
import type { SlicePosition } from '../../shape.ts';
import {
  type PerBatch,
  type PlainTensorLike,
  type Tensor,
  checkForm,
  checkTensor,
  sizeOf,
} from '../../tensor.ts';
import { isFloat, toTensor } from '../../tensor-like.ts';
import type { NativeTensor } from '../memory.ts';

/** Position of a `write()`: one start for all, or one for each element of the first axis. */
export interface WriteOptions {
  /** The axis along which the part lies; the others have their whole length. */
  readonly axis: number;
  /** Index in that axis where the part begins. */
  readonly start: number | PerBatch;
}

/** Slices that `read()` reads. */
export interface ReadOptions {
  /** The axis along which the slices lie. */
  readonly axis: number;
  /** Index of the first slice. */
  readonly start: number;
  /** The number of slices. */
  readonly length: number;
}

/**
 * Checks that a part fits into a resident tensor.
 *
 * @throws HeedError `DTYPE`, `SHAPE`, `ARGUMENT` or `UNKNOWN_OPTION`.
 */
export function checkWrite(
  target: NativeTensor,
  given: PlainTensorLike,
  options: WriteOptions,
): { part: Tensor; at: SlicePosition } {
  const part = partOf(target, given);
  checkOptions('write()', options, { axis: true, start: true });
  const { axis } = options;
  const starts = startsOf(target, options);
  if (part.dtype !== target.dtype) {
    throw new HeedError('DTYPE', `part is ${part.dtype}; expected ${target.dtype}, as the resident tensor`, {
      clause: 'resident',
      remedy: `convert the part to ${target.dtype}`,
    });
  }
  const fits =
    isIndex(axis, target.shape.length) &&
    starts.every((start) => Number.isSafeInteger(start) && start >= 0) &&
    part.shape.length === target.shape.length &&
    part.shape.every((length, a) =>
      a === axis ? starts.every((start) => start + length <= target.shape[a]!) : length === target.shape[a],
    );
  if (!fits) {
    throw new HeedError(
      'SHAPE',
      `part is [${part.shape.join(', ')}]; expected what fits in [${target.shape.join(', ')}] at ${starts.join(', ')} of axis ${shown(axis)}`,
      {
        clause: 'resident',
        remedy: 'keep all lengths but that of the axis equal, and start + length within it',
      },
    );
  }
  return { part, at: { axis, start: typeof options.start === 'number' ? options.start : starts } };
}

function startsOf({ shape }: NativeTensor, { axis, start }: WriteOptions): readonly number[] {
  if (typeof start === 'number') return [start];
  const starts = perBatch('start', start);
  checkTensor('start', starts);
  if (starts.dtype === 'int32' && axis > 0 && starts.data.length === shape[0]) return [...starts.data];
  throw new HeedError(
    'SHAPE',
    `start is ${starts.dtype} [${starts.shape.join(', ')}] for axis ${shown(axis)}; expected a number, or int32 [B=${shape[0]}] for an axis after the first`,
    { clause: 'resident', remedy: 'give one start for all, or one for each element of the first axis' },
  );
}

/**
 * Checks that the slices exist.
 *
 * @returns the indices of the slices.
 * @throws HeedError `SHAPE` or `UNKNOWN_OPTION`.
 */
export function checkRead({ shape }: NativeTensor, options: ReadOptions): number[] {
  checkOptions('read()', options, { axis: true, start: true, length: true });
  const { axis, start, length } = options;
  const isThere =
    isIndex(axis, shape.length) &&
    isIndex(start, shape[axis]! + 1) &&
    isIndex(length, shape[axis]! - start + 1);
  if (isThere) return Array.from({ length }, (_, n) => start + n);
  throw new HeedError(
    'SHAPE',
    `read() of ${shown(length)} slices from ${shown(start)} of axis ${shown(axis)}; expected a part of [${shape.join(', ')}]`,
    { clause: 'resident', remedy: 'keep start + length within the axis' },
  );
}

/**
 * Checks that the indices exist on the axis.
 *
 * @throws HeedError `SHAPE` for an axis that does not exist; `ARGUMENT` for an index.
 */
export function checkIndices({ shape }: NativeTensor, axis: number, given: PerBatch): number[] {
  if (!isIndex(axis, shape.length)) {
    throw new HeedError('SHAPE', `axis is ${shown(axis)}; expected an axis of [${shape.join(', ')}]`, {
      clause: 'resident',
      remedy: 'give the number of an axis, counted from 0',
    });
  }
  const indices = perBatch('indices', given);
  checkTensor('indices', indices);
  const wrong = indices.data.find((index) => !isIndex(index, shape[axis]!));
  if (wrong === undefined && indices.dtype === 'int32') return [...indices.data];
  const what = wrong === undefined ? `are ${indices.dtype}` : `have ${wrong}`;
  throw new HeedError('ARGUMENT', `indices ${what}; expected integers from 0 to ${shape[axis]! - 1}`, {
    clause: 'resident',
    remedy: `name slices of axis ${axis} of [${shape.join(', ')}]`,
  });
}

/** Like {@link checkIndices}, for all of the first axis. */
export function checkReorder(target: NativeTensor, given: PerBatch): number[] {
  const indices = checkIndices(target, 0, given);
  if (indices.length === target.shape[0]) return indices;
  throw new HeedError('SHAPE', `reorder() with ${indices.length} indices; expected ${target.shape[0]}`, {
    clause: 'resident',
    remedy: 'give an index for each element of the first axis; gather() makes a tensor of fewer or more',
  });
}

/**
 * Checks that a tensor can be viewed with another shape.
 *
 * @throws HeedError `SHAPE`.
 */
export function checkView({ dtype, shape }: NativeTensor, given: readonly number[]): void {
  checkForm('the view', dtype, given);
  if (sizeOf(given) === sizeOf(shape)) return;
  throw new HeedError(
    'SHAPE',
    `view([${given.join(', ')}]) has ${sizeOf(given)} elements; the tensor [${shape.join(', ')}] has ${sizeOf(shape)}`,
    { clause: 'resident', remedy: 'give a shape of as many elements' },
  );
}

function isIndex(index: unknown, end: number): index is number {
  return Number.isSafeInteger(index) && (index as number) >= 0 && (index as number) < end;
}

/** Returns a part as a tensor; the numbers of nested arrays take the target's type. */
export function partOf({ dtype }: NativeTensor, given: PlainTensorLike): Tensor {
  const slot = dtype === 'bool' ? 'mask' : dtype === 'int32' ? dtype : 'float';
  const floats = isFloat(dtype) ? dtype : 'float32';
  const part = toTensor('part', given, Array.isArray(given) ? slot : 'any', floats);
  checkTensor('part', part);
  return part;
}

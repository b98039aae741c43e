import {
  type ArrayWithShape,
  type ComputeDType,
  HeedError,
  type NestedArray,
  type PlainTensorLike,
  type Tensor,
} from '@heed/core';
import { type Slot, toTensor } from '@heed/core/backend';
import { type FloatArray, type FloatTensor, checkPlain, checkShape } from './tensors.ts';

/** Values that are accepted in place of a tensor of floats. */
export type FloatTensorLike = FloatTensor | ArrayWithShape<FloatArray> | NestedArray;

/** Inputs that are tensors, and the type of their numbers. */
const SLOTS: Readonly<Partial<Record<string, Slot>>> = {
  input: 'float',
  query: 'float',
  key: 'float',
  value: 'float',
  memory: 'float',
  bias: 'float',
  alibiSlopes: 'float',
  mask: 'mask',
  keyMask: 'mask',
  memoryMask: 'mask',
  gridMask: 'mask',
  regions: 'int32',
  queryPositions: 'int32',
  keyPositions: 'int32',
  querySegments: 'int32',
  keySegments: 'int32',
};

/** Inputs whose nested arrays and `{ data, shape }` have become tensors. */
export type WithTensors<T> = {
  readonly [K in keyof T]: PlainTensorLike extends T[K]
    ? Exclude<T[K], ArrayWithShape | NestedArray> | Tensor
    : FloatTensorLike extends T[K]
      ? Exclude<T[K], ArrayWithShape | NestedArray> | FloatTensor
      : T[K];
};

/** @throws HeedError `SHAPE` or `DTYPE`. */
export function withTensors<T extends object>(inputs: T, floats: ComputeDType): WithTensors<T> {
  const entries = Object.entries(inputs).map(([name, value]) => {
    const slot = SLOTS[name];
    const isLike = slot !== undefined && isTensorLike(value);
    return [name, isLike ? toTensor(name, value, slot, floats) : (value as unknown)];
  });
  return Object.fromEntries(entries) as WithTensors<T>;
}

/** @throws HeedError `SHAPE` or `DTYPE`. */
export function floatTensor(name: string, value: FloatTensorLike, floats: ComputeDType): FloatTensor {
  return (isTensorLike(value) ? toTensor(name, value, 'float', floats) : value) as FloatTensor;
}

/**
 * A tensor `[…, E]` with any number of leading axes.
 *
 * @throws HeedError `SHAPE`, `DTYPE` or `ARGUMENT`.
 */
export function lastAxis(
  name: string,
  given: FloatTensorLike,
  dtype: ComputeDType,
  width: number,
): FloatTensor {
  const value = floatTensor(name, given, dtype);
  checkPlain(name, value);
  if (value.shape.length === 0) {
    throw new HeedError('SHAPE', `${name} has no axes; expected […, ${width}]`, {
      remedy: `give it a last axis of ${width}`,
    });
  }
  const leading = value.shape.slice(0, -1).map(() => ['…', null] as const);
  checkShape(name, value, dtype, [...leading, ['E', width]]);
  return value;
}

/**
 * An int32 tensor of any shape.
 *
 * @throws HeedError `SHAPE`, `DTYPE` or `ARGUMENT`.
 */
export function integers(name: string, given: PlainTensorLike): Tensor<'int32'> {
  const value = isTensorLike(given) ? toTensor(name, given, 'int32', 'float32') : (given as Tensor);
  checkPlain(name, value);
  if (value.dtype === 'int32') return value as Tensor<'int32'>;
  throw new HeedError('DTYPE', `${name} is ${value.dtype}; expected int32`, {
    remedy: 'make it with tensor(new Int32Array(…), shape)',
  });
}

function isTensorLike(value: unknown): boolean {
  if (Array.isArray(value)) return true;
  const candidate = value as Partial<Tensor> | null | undefined;
  return candidate?.shape !== undefined && candidate.data !== undefined && candidate.dtype === undefined;
}

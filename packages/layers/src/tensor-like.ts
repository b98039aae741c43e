import type { ArrayWithShape, FloatDType, NestedArray, PlainTensorLike, Tensor } from '@heed/core';
import { type Slot, toTensor } from '@heed/core/backend';
import type { FloatArray, FloatTensor } from './tensors.ts';

/** What is taken where a tensor of floats is. */
export type FloatTensorLike = FloatTensor | ArrayWithShape<FloatArray> | NestedArray;

/** Inputs that are tensors, and which numbers belong into them. */
const SLOTS: Readonly<Partial<Record<string, Slot>>> = {
  input: 'float',
  query: 'float',
  key: 'float',
  value: 'float',
  bias: 'float',
  alibiSlopes: 'float',
  mask: 'mask',
  keyMask: 'mask',
  gridMask: 'mask',
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
export function withTensors<T extends object>(inputs: T, floats: FloatDType): WithTensors<T> {
  const entries = Object.entries(inputs).map(([name, value]) => {
    const slot = SLOTS[name];
    const isLike = slot !== undefined && isTensorLike(value);
    return [name, isLike ? toTensor(name, value, slot, floats) : (value as unknown)];
  });
  return Object.fromEntries(entries) as WithTensors<T>;
}

/** @throws HeedError `SHAPE` or `DTYPE`. */
export function floatTensor(name: string, value: FloatTensorLike, floats: FloatDType): FloatTensor {
  return (isTensorLike(value) ? toTensor(name, value, 'float', floats) : value) as FloatTensor;
}

function isTensorLike(value: unknown): boolean {
  if (Array.isArray(value)) return true;
  const candidate = value as Partial<Tensor> | null | undefined;
  return candidate?.shape !== undefined && candidate.data !== undefined && candidate.dtype === undefined;
}

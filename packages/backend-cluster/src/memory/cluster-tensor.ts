import type { DType, Tensor } from '@heed/core';
import type { NativeTensor } from '@heed/core/backend';
import type { StoredPart, StoredTensor } from '../run/protocol.ts';

/** State of a stored part. */
interface PartState {
  base: number | null;
  version: number;
}

/**
 * A tensor of the cluster: small ones stay with the caller and travel with the tasks; large ones are cut along their
 * longest axis into parts, which are stored with the engine and kept by the workers that compute with them.
 */
export type ClusterTensor = LocalTensor | PartedTensor | ViewedTensor;

export interface LocalTensor extends NativeTensor {
  readonly kind: 'local';
  readonly tensor: Tensor;
}

export function localTensor(tensor: Tensor): LocalTensor {
  return { kind: 'local', dtype: tensor.dtype, shape: tensor.shape, tensor };
}

/** The caller's view of a stored tensor: not its numbers, but the states of its parts. */
export class PartedTensor implements NativeTensor {
  readonly kind = 'parted';
  readonly id: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly axis: number;
  readonly partLength: number;
  readonly parts: PartState[];
  /** Tensors that share it: itself, and views. */
  shares = 1;

  constructor(
    id: string,
    { dtype, shape, axis, partLength }: Pick<PartedTensor, 'dtype' | 'shape' | 'axis' | 'partLength'>,
    base: number | null,
  ) {
    this.id = id;
    this.dtype = dtype;
    this.shape = [...shape];
    this.axis = axis;
    this.partLength = partLength;
    const count = Math.max(1, Math.ceil(shape[axis]! / partLength));
    this.parts = Array.from({ length: count }, () => ({ base, version: base ?? 0 }));
  }

  /** Slices of the cut axis that are in a part. */
  range(part: number): { readonly start: number; readonly end: number } {
    const start = part * this.partLength;
    return { start, end: Math.min(start + this.partLength, this.shape[this.axis]!) };
  }

  /** Describes it for a task: all of it, or slices of an axis. */
  described(slice: StoredTensor['slice'] = null): StoredTensor {
    const isMeant = (part: number): boolean => {
      if (slice === null || slice.axis !== this.axis) return true;
      const { start, end } = this.range(part);
      return start < slice.end && end > slice.start;
    };
    const parts = this.parts
      .map(({ base, version }, part): StoredPart => ({ part, base, version }))
      .filter(({ part }) => isMeant(part));
    const { id, dtype, shape, axis, partLength } = this;
    return { $stored: id, dtype, shape, axis, partLength, parts, slice, view: null };
  }
}

/** A stored tensor under another shape. Its parts have no meaning in that shape: users put it together first. */
export class ViewedTensor implements NativeTensor {
  readonly kind = 'viewed';
  readonly base: PartedTensor;
  readonly dtype: DType;
  readonly shape: readonly number[];

  constructor(base: PartedTensor, shape: readonly number[]) {
    this.base = base;
    this.dtype = base.dtype;
    this.shape = [...shape];
  }

  described(slice: StoredTensor['slice'] = null): StoredTensor {
    return { ...this.base.described(), slice, view: this.shape };
  }
}

/** The axis along which a tensor is cut: the longest, the first among equals. */
export function cutAxis(shape: readonly number[]): number {
  return shape.indexOf(Math.max(...shape));
}

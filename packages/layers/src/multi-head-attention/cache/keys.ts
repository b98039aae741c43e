import { type CacheType, HeedError, type ResidentTensor, type Tensor, cast, quantize } from '@heed/core';
import { exchangeHeadsAndLength } from '@heed/core/backend';
import { leaveRaw } from '../../reactive.ts';
import type { FloatTensor } from '../../tensors.ts';

/** Keys that a call of a layer appends to: a {@link KeyValueCache}, or the pools of a layer at a step. */
export interface KeysSoFar {
  /** The number of tokens so far, of the longest sequence. */
  readonly length: number;
  /** The largest number of tokens that are kept. */
  readonly capacity: number;
}

/**
 * Keys and values that a layer has seen, `[B, Hkv, capacity, D]` in the backend's memory: each call writes its own rows
 * after the last, rounded to the type of the cache, and nothing else is copied. The `cache` method of a layer creates it; pass it to its `forward`.
 */
export interface KeyValueCache extends KeysSoFar {
  /**
   * Forgets all but the first tokens: for another continuation of the same prompt. Tokens of a ring whose places were taken do not come
   * back: a call that would see them is refused.
   *
   * @throws HeedError `ARGUMENT`.
   */
  truncate(length: number): void;
  /** Frees the memory. */
  dispose(): void;
}

/** The numbers that a cache's shape follows from. */
export interface RowShape {
  readonly kvHeads: number;
  readonly headDim: number;
  readonly type: CacheType;
}

/** Resident tensors of a cache, by the names of attention's inputs. */
export type CacheTensors = Readonly<Record<'key' | 'value', ResidentTensor>> &
  Readonly<Partial<Record<'keyScales' | 'valueScales', ResidentTensor>>>;

export function isQuantized(type: CacheType): type is 'int8' | 'int4x2' {
  return type === 'int8' || type === 'int4x2';
}

/** Rows of a call, `[B, L, Hkv, D]`. */
export type Rows = Readonly<Record<'key' | 'value', FloatTensor>>;

/** Inputs of attention that are its keys. */
export type KeyInputs = CacheTensors & {
  readonly keyLengths: readonly number[];
  readonly blockTable?: Tensor<'int32'>;
  readonly ring?: true;
};

/** A cache as layers use it: where new tokens go, and what a query then reads. */
export abstract class LayerKeys implements KeysSoFar {
  static {
    leaveRaw(this.prototype);
  }

  abstract readonly length: number;
  abstract readonly capacity: number;
  protected readonly shape: RowShape;
  protected readonly tensors: CacheTensors;

  constructor(shape: RowShape, tensors: CacheTensors) {
    this.shape = shape;
    this.tensors = tensors;
  }

  /**
   * @param left the number of tokens that each query sees before its own; infinite without a window.
   * @throws HeedError `ARGUMENT` where a call's tokens do not belong into this cache, or find no room.
   */
  abstract checkFor(kvHeads: number, headDim: number, query: FloatTensor, left: number): void;

  /** Positions of the next tokens: `[L]`, or `[B, L]`. */
  abstract positions(length: number): Tensor<'int32'>;

  /** Writes rows `[B, L, Hkv, D]` after the last and runs the code that reads them. Keeps them if that succeeds. */
  abstract append<T>(
    key: FloatTensor,
    value: FloatTensor,
    read: (inputs: KeyInputs) => Promise<T>,
  ): Promise<T>;

  /** Writes rows in the type of the cache. */
  protected async write(rows: Rows, at: Parameters<ResidentTensor['write']>[1]): Promise<void> {
    const { type } = this.shape;
    for (const name of ['key', 'value'] as const) {
      const given = exchangeHeadsAndLength(rows[name]);
      if (isQuantized(type)) {
        const { numbers, scales } = quantize(given, type);
        await this.tensors[name].write(numbers, at);
        await this.tensors[`${name}Scales`]!.write(scales, at);
      } else await this.tensors[name].write(cast(given, type), at);
    }
  }

  protected fits(kvHeads: number, headDim: number, rows: number, batch: number): void {
    if (this.shape.kvHeads === kvHeads && this.shape.headDim === headDim && rows === batch) return;
    throw new HeedError('ARGUMENT', `the cache is of another layer or batch (its B is ${batch})`, {
      remedy: 'make it with the cache() of this layer, for this batch',
    });
  }
}

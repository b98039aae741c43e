import { type AttentionBackend, type ComputeDType, HeedError, type ResidentTensor } from '@heed/core';
import { checkOptions, exchangeHeadsAndLength, integer, required } from '@heed/core/backend';
import { count } from '../options.ts';
import { leaveRaw } from '../reactive.ts';
import type { FloatTensor } from '../tensors.ts';

export interface CacheOptions {
  /** B, the number of sequences that grow side by side. Default 1. */
  readonly batch?: number;
  /** The number of tokens that a sequence may have in all. */
  readonly capacity: number;
}

/**
 * Keys and values that a layer has seen, `[B, Hkv, capacity, D]` in the backend's memory: each call writes its own rows
 * behind the last, and nothing else is copied. The `cache` method of a layer creates it; pass it to its `forward`.
 */
export interface KeyValueCache {
  /** The number of tokens that are kept. */
  readonly length: number;
  /** The largest number of tokens. */
  readonly capacity: number;
  /**
   * Forgets all but the first tokens: for another continuation of the same prompt.
   *
   * @throws HeedError `ARGUMENT`.
   */
  truncate(length: number): void;
  /** Frees the memory. */
  dispose(): void;
}

/** The numbers that a cache's shape follows from. */
interface CacheShape {
  readonly batch: number;
  readonly kvHeads: number;
  readonly capacity: number;
  readonly headDim: number;
}

/** Makes an empty cache for a layer. */
export async function createCache(
  backend: AttentionBackend,
  {
    kvHeads,
    headDim,
    dtype,
  }: { readonly kvHeads: number; readonly headDim: number; readonly dtype: ComputeDType },
  options: CacheOptions,
): Promise<LayerCache> {
  checkOptions('cache()', options, { batch: count, capacity: required(count) });
  const { batch = 1, capacity } = options;
  const shape = [batch, kvHeads, capacity, headDim];
  const key = await backend.allocate(dtype, shape);
  try {
    const value = await backend.allocate(dtype, shape);
    return new LayerCache({ batch, kvHeads, capacity, headDim }, { key, value });
  } catch (error) {
    key.dispose();
    throw error;
  }
}

/** The cache itself, with what layers do with it. */
export class LayerCache implements KeyValueCache {
  static {
    leaveRaw(this.prototype);
  }

  readonly #shape: CacheShape;
  readonly #tensors: Readonly<Record<'key' | 'value', ResidentTensor>>;
  #length = 0;

  constructor(shape: CacheShape, tensors: Readonly<Record<'key' | 'value', ResidentTensor>>) {
    this.#shape = shape;
    this.#tensors = tensors;
  }

  get length(): number {
    return this.#length;
  }

  get capacity(): number {
    return this.#shape.capacity;
  }

  truncate(length: number): void {
    checkOptions('truncate()', { length }, { length: required(integer(0, this.#length)) });
    this.#length = length;
  }

  dispose(): void {
    this.#tensors.key.dispose();
    this.#tensors.value.dispose();
  }

  /** @throws HeedError `ARGUMENT` where a call's tokens do not belong into this cache, or find no room. */
  checkFor(kvHeads: number, headDim: number, query: FloatTensor): void {
    const { batch, capacity } = this.#shape;
    const [rows, length] = query.shape;
    const fits = this.#shape.kvHeads === kvHeads && this.#shape.headDim === headDim && rows === batch;
    if (!fits) {
      throw new HeedError('ARGUMENT', `the cache is of another layer or batch (its B is ${batch})`, {
        remedy: 'make it with the cache() of this layer, for this batch',
      });
    }
    if (this.#length + length <= capacity) return;
    throw new HeedError(
      'ARGUMENT',
      `the cache has ${this.#length} of ${capacity} tokens; cannot append ${length} more`,
      { remedy: 'make it with a higher capacity, or truncate it' },
    );
  }

  /**
   * Writes rows `[B, L, Hkv, D]` behind the last and runs the code that reads them. Keeps them if that succeeds.
   */
  async append<T>(
    key: FloatTensor,
    value: FloatTensor,
    read: (tensors: Readonly<Record<'key' | 'value', ResidentTensor>>, length: number) => Promise<T>,
  ): Promise<T> {
    const at = { axis: 2, start: this.#length };
    await this.#tensors.key.write(exchangeHeadsAndLength(key), at);
    await this.#tensors.value.write(exchangeHeadsAndLength(value), at);
    const length = this.#length + key.shape[1];
    const result = await read(this.#tensors, length);
    this.#length = length;
    return result;
  }
}

import { type AttentionBackend, type FloatDType, HeedError, type ResidentTensor } from '@heed/core';
import { checkOptions, exchangeHeadsAndLength, integer, required } from '@heed/core/backend';
import { count } from '../options.ts';
import { leaveRaw } from '../reactive.ts';
import type { FloatTensor } from '../tensors.ts';

export interface CacheOptions {
  /** B, how many sequences grow side by side. Default 1. */
  readonly batch?: number;
  /** How many tokens a sequence may have in all. */
  readonly capacity: number;
}

/** The numbers that a cache's shape follows from. */
interface CacheShape {
  readonly batch: number;
  readonly kvHeads: number;
  readonly capacity: number;
  readonly headDim: number;
}

/** How caches are made: layers alone do that. */
export async function createCache(
  backend: AttentionBackend,
  {
    kvHeads,
    headDim,
    dtype,
  }: { readonly kvHeads: number; readonly headDim: number; readonly dtype: FloatDType },
  options: CacheOptions,
): Promise<KeyValueCache> {
  checkOptions('cache()', options, { batch: count, capacity: required(count) });
  const { batch = 1, capacity } = options;
  const shape = [batch, kvHeads, capacity, headDim];
  const key = await backend.allocate(dtype, shape);
  const value = await backend.allocate(dtype, shape);
  return new KeyValueCache(backend, { batch, kvHeads, capacity, headDim }, { key, value });
}

/**
 * The keys and values that a layer has seen, `[B, Hkv, capacity, D]` in the backend's memory: each call writes its own rows
 * behind the last, and nothing else is copied. Made by the `cache` of a layer, and given to its `forward`.
 */
export class KeyValueCache {
  static {
    leaveRaw(this.prototype);
  }

  readonly #backend: AttentionBackend;
  readonly #shape: CacheShape;
  readonly #tensors: Readonly<Record<'key' | 'value', ResidentTensor>>;
  #length = 0;

  /** @internal */
  constructor(
    backend: AttentionBackend,
    shape: CacheShape,
    tensors: Readonly<Record<'key' | 'value', ResidentTensor>>,
  ) {
    this.#backend = backend;
    this.#shape = shape;
    this.#tensors = tensors;
  }

  /** How many tokens are kept. */
  get length(): number {
    return this.#length;
  }

  /** How many tokens there can be. */
  get capacity(): number {
    return this.#shape.capacity;
  }

  /**
   * Forgets what came after the first tokens: for another continuation of the same prompt.
   *
   * @throws HeedError `ARGUMENT`.
   */
  truncate(length: number): void {
    checkOptions('truncate()', { length }, { length: required(integer(0, this.#length)) });
    this.#length = length;
  }

  /** Frees the memory. */
  dispose(): void {
    this.#tensors.key.dispose();
    this.#tensors.value.dispose();
  }

  /** @internal @throws HeedError `ARGUMENT` where a call's tokens do not belong into this cache, or find no room. */
  checkFor(backend: AttentionBackend, kvHeads: number, headDim: number, query: FloatTensor): void {
    const { batch, capacity } = this.#shape;
    const [rows, length] = query.shape;
    const fits = this.#shape.kvHeads === kvHeads && this.#shape.headDim === headDim && rows === batch;
    if (backend !== this.#backend || !fits) {
      throw new HeedError('ARGUMENT', `the cache is of another layer, backend or batch (its B is ${batch})`, {
        remedy: 'make it with the cache() of this layer, for this backend and batch',
      });
    }
    if (this.#length + length <= capacity) return;
    throw new HeedError(
      'ARGUMENT',
      `the cache has ${this.#length} of ${capacity} tokens; there is no room for ${length} more`,
      { remedy: 'make it with a higher capacity, or truncate it' },
    );
  }

  /**
   * @internal Writes rows `[B, L, Hkv, D]` behind the last and runs what reads them. They are kept if that succeeds.
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

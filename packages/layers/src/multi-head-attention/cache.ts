import {
  type AttentionBackend,
  type CacheType,
  type ComputeDType,
  HeedError,
  type ResidentTensor,
  cast,
  quantize,
} from '@heed/core';
import { checkOptions, exchangeHeadsAndLength, integer, oneOf, required } from '@heed/core/backend';
import { count } from '../options.ts';
import { leaveRaw } from '../reactive.ts';
import type { FloatTensor } from '../tensors.ts';

export interface CacheOptions {
  /** B, the number of sequences that grow side by side. Default 1. */
  readonly batch?: number;
  /** The number of tokens that a sequence may have in all. */
  readonly capacity: number;
  /**
   * Type of the numbers that are kept; the layer computes in its own. Of a layer of float32: `float16` and `bfloat16` are half as
   * large, `int8` and `int4x2`, with a scale for each 32 numbers or each row, about a quarter and an eighth. Default: that of the layer.
   */
  readonly type?: CacheType;
}

/**
 * Keys and values that a layer has seen, `[B, Hkv, capacity, D]` in the backend's memory: each call writes its own rows
 * behind the last, rounded to the type of the cache, and nothing else is copied. The `cache` method of a layer creates it; pass it to its `forward`.
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
  readonly type: CacheType;
}

/** Resident tensors of a cache, by the names of attention's inputs. */
type CacheTensors = Readonly<Record<'key' | 'value', ResidentTensor>> &
  Readonly<Partial<Record<'keyScales' | 'valueScales', ResidentTensor>>>;

/** Numbers that share a scale, where rows are whole groups of them. */
const GROUP = 32;

function isQuantized(type: CacheType): type is 'int8' | 'int4x2' {
  return type === 'int8' || type === 'int4x2';
}

/** The types that a cache of a layer may have. */
function typesOf(dtype: ComputeDType, headDim: number): readonly CacheType[] {
  if (dtype === 'float64') return [dtype];
  return ['float32', 'float16', 'bfloat16', 'int8', ...(headDim % 2 === 0 ? (['int4x2'] as const) : [])];
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
  const type = oneOf(...typesOf(dtype, headDim));
  checkOptions('cache()', options, { batch: count, capacity: required(count), type });
  const shape = { batch: 1, type: dtype, ...options, kvHeads, headDim };
  const tensors: Partial<Record<keyof CacheTensors, ResidentTensor>> = {};
  try {
    for (const [name, [itsType, width]] of Object.entries(widthsOf(shape))) {
      const lengths = [shape.batch, kvHeads, shape.capacity, width];
      tensors[name as keyof CacheTensors] = await backend.allocate(itsType, lengths);
    }
  } catch (error) {
    for (const tensor of Object.values(tensors)) tensor.dispose();
    throw error;
  }
  return new LayerCache(shape, tensors as CacheTensors);
}

/** Types and last axes of a cache's tensors. */
function widthsOf({
  type,
  headDim,
}: CacheShape): Readonly<Record<string, readonly [type: CacheType, width: number]>> {
  const rows = [type, type === 'int4x2' ? headDim / 2 : headDim] as const;
  if (!isQuantized(type)) return { key: rows, value: rows };
  const scales = ['float32', headDim % GROUP === 0 ? headDim / GROUP : 1] as const;
  return { key: rows, value: rows, keyScales: scales, valueScales: scales };
}

/** The cache itself, with what layers do with it. */
export class LayerCache implements KeyValueCache {
  static {
    leaveRaw(this.prototype);
  }

  readonly #shape: CacheShape;
  readonly #tensors: CacheTensors;
  #length = 0;

  constructor(shape: CacheShape, tensors: CacheTensors) {
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
    for (const tensor of Object.values(this.#tensors)) tensor.dispose();
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
    read: (tensors: CacheTensors, length: number) => Promise<T>,
  ): Promise<T> {
    const at = { axis: 2, start: this.#length };
    const { type } = this.#shape;
    for (const [name, given] of [
      ['key', exchangeHeadsAndLength(key)],
      ['value', exchangeHeadsAndLength(value)],
    ] as const) {
      if (isQuantized(type)) {
        const { numbers, scales } = quantize(given, type);
        await this.#tensors[name].write(numbers, at);
        await this.#tensors[`${name}Scales`]!.write(scales, at);
      } else await this.#tensors[name].write(cast(given, type), at);
    }
    const length = this.#length + key.shape[1];
    const result = await read(this.#tensors, length);
    this.#length = length;
    return result;
  }
}

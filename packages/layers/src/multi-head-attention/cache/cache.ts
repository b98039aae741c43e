import {
  type AttentionBackend,
  type CacheType,
  type ComputeDType,
  HeedError,
  type PagedCache,
  type ResidentTensor,
  type Tensor,
  cast,
  copyPages,
  quantize,
} from '@heed/core';
import { checkOptions, exchangeHeadsAndLength, integer, oneOf, required, shown } from '@heed/core/backend';
import { count } from '../../options.ts';
import { leaveRaw } from '../../reactive.ts';
import type { FloatTensor } from '../../tensors.ts';
import type { PagedStep } from './paged-step.ts';

/** Options of `MultiHeadAttention.cache()`. */
export interface CacheOptions {
  /** B, the number of sequences that grow side by side. Default 1. */
  readonly batch?: number | undefined;
  /** The number of tokens that a sequence may have in all. */
  readonly capacity: number;
  /**
   * Type of the numbers that are kept; the layer computes in its own. Of a layer of float32: `float16` and `bfloat16` are half as
   * large, `int8` and `int4x2`, with a scale for each 32 numbers or each row, about a quarter and an eighth. Default: that of the layer.
   */
  readonly type?: CacheType | undefined;
}

/** Keys that a call of a layer appends to: a {@link KeyValueCache}, or {@link KeyValuePools} at a step. */
export interface KeysSoFar {
  /** The number of tokens that are kept, of the longest sequence. */
  readonly length: number;
  /** The largest number of tokens. */
  readonly capacity: number;
}

/** Options of {@link KeyValuePools}. */
export interface PoolOptions extends Pick<CacheOptions, 'type'> {
  /** Book of the pages, one for all layers of a model. */
  readonly book: PagedCache;
}

/** Keys and values of a layer in the pages of a book, `[pages, Hkv, page size, D]` each. */
export interface KeyValuePools {
  /** The keys of the sequences of a step, for the `cache` of one call of the layer. */
  at(step: PagedStep): KeysSoFar;
  /** Copies pages as `book.defragment()` says. The copies of a step are made by its call. */
  copy(copies: PagedStep['copies']): Promise<void>;
  /** Frees the memory. */
  dispose(): void;
}

/**
 * Keys and values that a layer has seen, `[B, Hkv, capacity, D]` in the backend's memory: each call writes its own rows
 * after the last, rounded to the type of the cache, and nothing else is copied. The `cache` method of a layer creates it; pass it to its `forward`.
 */
export interface KeyValueCache extends KeysSoFar {
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
interface RowShape {
  readonly kvHeads: number;
  readonly headDim: number;
  readonly type: CacheType;
}
interface CacheShape extends RowShape {
  readonly batch: number;
  readonly capacity: number;
}

/** Numbers of a layer that its cache follows. */
interface LayerShape {
  readonly kvHeads: number;
  readonly headDim: number;
  readonly dtype: ComputeDType;
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
  { kvHeads, headDim, dtype }: LayerShape,
  options: CacheOptions,
): Promise<LayerCache> {
  const type = oneOf(...typesOf(dtype, headDim));
  checkOptions('cache()', options, { batch: count, capacity: required(count), type });
  const { batch = 1, capacity } = options;
  const shape = { batch, capacity, type: options.type ?? dtype, kvHeads, headDim };
  return new LayerCache(shape, await allocate(backend, shape, [shape.batch, kvHeads, shape.capacity]));
}

/** Makes empty pools for a layer. */
export async function createPools(
  backend: AttentionBackend,
  { kvHeads, headDim, dtype }: LayerShape,
  options: PoolOptions,
): Promise<KeyValuePools> {
  const type = oneOf(...typesOf(dtype, headDim));
  const book = { expected: 'a PagedCache', accepts: (value: unknown) => isBook(value) };
  checkOptions('pools()', options, { book: required(book), type });
  const shape = { type: options.type ?? dtype, kvHeads, headDim };
  const { pages, pageSize } = options.book;
  const tensors = await allocate(backend, shape, [pages, kvHeads, pageSize]);
  return {
    at: (step) => new LayerPages(shape, tensors, step),
    async copy(copies) {
      for (const pool of Object.values(tensors)) await copyPages(pool, copies);
    },
    dispose() {
      for (const pool of Object.values(tensors)) pool.dispose();
    },
  };
}

/** Structural: the application may have another copy of core. */
function isBook(value: unknown): boolean {
  const { pages, pageSize, append } = (value ?? {}) as Partial<PagedCache>;
  return typeof pages === 'number' && typeof pageSize === 'number' && typeof append === 'function';
}

/** Makes the tensors of a cache, `[...axes, width]` each. */
async function allocate(
  backend: AttentionBackend,
  shape: RowShape,
  axes: readonly number[],
): Promise<CacheTensors> {
  const tensors: Partial<Record<keyof CacheTensors, ResidentTensor>> = {};
  try {
    for (const [name, [type, width]] of Object.entries(widthsOf(shape))) {
      tensors[name as keyof CacheTensors] = await backend.allocate(type, [...axes, width]);
    }
  } catch (error) {
    for (const tensor of Object.values(tensors)) tensor.dispose();
    throw error;
  }
  return tensors as CacheTensors;
}

/** Types and last axes of a cache's tensors. */
function widthsOf({
  type,
  headDim,
}: RowShape): Readonly<Record<string, readonly [type: CacheType, width: number]>> {
  const rows = [type, type === 'int4x2' ? headDim / 2 : headDim] as const;
  if (!isQuantized(type)) return { key: rows, value: rows };
  const scales = ['float32', headDim % GROUP === 0 ? headDim / GROUP : 1] as const;
  return { key: rows, value: rows, keyScales: scales, valueScales: scales };
}

/** Inputs of attention that are its keys. */
type KeyInputs = CacheTensors & {
  readonly keyLengths: readonly number[];
  readonly blockTable?: Tensor<'int32'>;
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

  /** @throws HeedError `ARGUMENT` where a call's tokens do not belong into this cache, or find no room. */
  abstract checkFor(kvHeads: number, headDim: number, query: FloatTensor): void;

  /** Positions of the next tokens: `[L]`, or `[B, L]`. */
  abstract positions(length: number): Tensor<'int32'>;

  /** Writes rows `[B, L, Hkv, D]` after the last and runs the code that reads them. Keeps them if that succeeds. */
  abstract append<T>(
    key: FloatTensor,
    value: FloatTensor,
    read: (inputs: KeyInputs) => Promise<T>,
  ): Promise<T>;

  /** Writes rows in the type of the cache. */
  protected async write(
    rows: Readonly<Record<'key' | 'value', FloatTensor>>,
    at: Parameters<ResidentTensor['write']>[1],
  ): Promise<void> {
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

/** The cache itself: one row of keys for each sequence. */
class LayerCache extends LayerKeys implements KeyValueCache {
  readonly #shape: CacheShape;
  #length = 0;

  constructor(shape: CacheShape, tensors: CacheTensors) {
    super(shape, tensors);
    this.#shape = shape;
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
    for (const tensor of Object.values(this.tensors)) tensor.dispose();
  }

  checkFor(kvHeads: number, headDim: number, query: FloatTensor): void {
    const { batch, capacity } = this.#shape;
    const [rows, length] = query.shape;
    this.fits(kvHeads, headDim, rows, batch);
    if (this.#length + length <= capacity) return;
    throw new HeedError(
      'ARGUMENT',
      `the cache has ${this.#length} of ${capacity} tokens; cannot append ${length} more`,
      { remedy: 'make it with a higher capacity, or truncate it' },
    );
  }

  positions(length: number): Tensor<'int32'> {
    const data = Int32Array.from({ length }, (_, n) => this.#length + n);
    return { dtype: 'int32', shape: [length], data };
  }

  async append<T>(key: FloatTensor, value: FloatTensor, read: (inputs: KeyInputs) => Promise<T>): Promise<T> {
    await this.write({ key, value }, { axis: 2, start: this.#length });
    const length = this.#length + key.shape[1];
    const keyLengths = Array<number>(this.#shape.batch).fill(length);
    const result = await read({ ...this.tensors, keyLengths });
    this.#length = length;
    return result;
  }
}

/** Pools at a step: each sequence has its own length, and its new tokens their slots. */
class LayerPages extends LayerKeys {
  readonly #step: PagedStep;

  constructor(shape: RowShape, tensors: CacheTensors, step: PagedStep) {
    super(shape, tensors);
    this.#step = step;
  }

  get length(): number {
    return Math.max(0, ...this.#step.keyLengths) - this.#count;
  }

  get capacity(): number {
    return this.#step.capacity;
  }

  get #count(): number {
    return this.#step.slots[0]?.length ?? 0;
  }

  checkFor(kvHeads: number, headDim: number, query: FloatTensor): void {
    const [rows, length] = query.shape;
    this.fits(kvHeads, headDim, rows, this.#step.slots.length);
    if (length === this.#count) return;
    throw new HeedError(
      'ARGUMENT',
      `query has ${shown(length)} tokens; expected the ${this.#count} of the step`,
      {
        remedy: 'give pagedStep() the number of tokens of the query',
      },
    );
  }

  positions(length: number): Tensor<'int32'> {
    const { keyLengths } = this.#step;
    const data = Int32Array.from(
      keyLengths.flatMap((end) => Array.from({ length }, (_, n) => end - length + n)),
    );
    return { dtype: 'int32', shape: [keyLengths.length, length], data };
  }

  async append<T>(key: FloatTensor, value: FloatTensor, read: (inputs: KeyInputs) => Promise<T>): Promise<T> {
    const { slots, copies, blockTable, keyLengths } = this.#step;
    for (const pool of Object.values(this.tensors)) await copyPages(pool, copies);
    await this.write({ key, value }, { slots });
    return read({ ...this.tensors, blockTable, keyLengths });
  }
}

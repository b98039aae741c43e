import {
  type AttentionBackend,
  type CacheType,
  type ComputeDType,
  type PagedCache,
  type ResidentTensor,
  copyPages,
} from '@heed/core';
import { checkOptions, flag, oneOf, required } from '@heed/core/backend';
import { count } from '../../options.ts';
import { type CacheTensors, type KeysSoFar, type RowShape, isQuantized } from './keys.ts';
import { LayerPages } from './pages.ts';
import type { PagedStep } from './paged-step.ts';
import { type CacheShape, LayerCache, LayerRing, type LayerRows } from './rows.ts';

/** Options of `MultiHeadAttention.cache()`. */
export interface CacheOptions {
  /** B, the number of sequences that grow side by side. Default 1. */
  readonly batch?: number | undefined;
  /** The number of tokens that a sequence may have in all; of a ring, the number that it keeps. */
  readonly capacity: number;
  /**
   * Keeps the last tokens: those past the capacity take the places of the first, and positions count on. For calls with a `window`:
   * n tokens of which each sees `left` before it need a capacity of `left` + n. Masks and biases have a column for each place: token t
   * is at t mod capacity. The backend must have the feature `ring`. Default false.
   */
  readonly ring?: boolean | undefined;
  /**
   * Type of the numbers that are kept; the layer computes in its own. Of a layer of float32: `float16` and `bfloat16` are half as
   * large, `int8` and `int4x2`, with a scale for each 32 numbers or each row, about a quarter and an eighth. Default: that of the layer.
   */
  readonly type?: CacheType | undefined;
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

/** Numbers of a layer that its cache follows. */
interface LayerShape {
  readonly kvHeads: number;
  readonly headDim: number;
  readonly dtype: ComputeDType;
}

/** Numbers that share a scale, where rows are whole groups of them. */
const GROUP = 32;

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
): Promise<LayerRows> {
  const type = oneOf(...typesOf(dtype, headDim));
  checkOptions('cache()', options, { batch: count, capacity: required(count), ring: flag, type });
  const { batch = 1, capacity, ring = false } = options;
  const shape: CacheShape = { batch, capacity, type: options.type ?? dtype, kvHeads, headDim };
  const tensors = await allocate(backend, shape, [shape.batch, kvHeads, shape.capacity]);
  return new (ring ? LayerRing : LayerCache)(shape, tensors);
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

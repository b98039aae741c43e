import { type CacheType, type FloatDType, type Tensor, cast, quantize, tensor } from '@heed/core';
import { isFloat, zeros } from '@heed/core/backend';
import type { Random } from './random.ts';

/** The part of a sketch that says how keys and values are stored. */
export interface CacheSketch {
  /** Element type of keys and values. Default: as `dtype`. */
  readonly cacheType?: CacheType;
  /** True if all numbers of a quantized row share a scale. Default: 32 do, where D is a multiple of 32. */
  readonly wholeRows?: boolean;
  /** True if the whole batch reads keys and values of batch 1. */
  readonly shared?: boolean;
  /**
   * Keys in pages of this size, in no order among pages of NaN; `keyLength` is rounded up to whole pages. `holes`: some
   * keys have no page. `common`: the first page of all elements of the batch is the same.
   */
  readonly pages?: { readonly size: number; readonly holes?: boolean; readonly common?: boolean };
}

/** Keys and values as a request has them, `[B, Hkv, Lk, D]` or in pages. */
export interface StoredCache {
  readonly key: Tensor;
  /** Not there where values are inside keys. */
  readonly value?: Tensor;
  readonly keyScales?: Tensor;
  readonly valueScales?: Tensor;
  readonly blockTable?: Tensor<'int32'>;
}

/** Stores keys and values as a sketch says. */
export function storedCache(
  {
    dtype = 'float32',
    cacheType = dtype,
    wholeRows = false,
    pages,
    batch = 2,
  }: CacheSketch & { readonly dtype?: FloatDType; readonly batch?: number },
  keys: Tensor<'float64'>,
  values: Tensor<'float64'> | null,
  random: Random,
): StoredCache {
  const key = stored(keys, cacheType, wholeRows);
  const value = values && stored(values, cacheType, wholeRows);
  const rows: StoredCache = {
    key: key.rows,
    ...(value && { value: value.rows }),
    ...(key.scales && { keyScales: key.scales }),
    ...(value?.scales && { valueScales: value.scales }),
  };
  if (pages === undefined) return rows;
  const columns = keys.shape[2]! / pages.size;
  const blockTable = tableOf(batch, columns, pages, random);
  const pooled = Object.entries(rows).map(([name, part]: [string, Tensor]) => [
    name,
    poolOf(part, blockTable, pages.size),
  ]);
  return { ...(Object.fromEntries(pooled) as unknown as StoredCache), blockTable };
}

function stored(
  numbers: Tensor<'float64'>,
  cacheType: CacheType,
  wholeRows: boolean,
): { readonly rows: Tensor; readonly scales?: Tensor } {
  if (cacheType !== 'int8' && cacheType !== 'int4x2') return { rows: cast(numbers, cacheType) };
  const options = wholeRows ? { group: numbers.shape[3]! } : {};
  const { numbers: rows, scales } = quantize(numbers, cacheType, options);
  return { rows, scales };
}

/** Pages beyond those in use, which nobody may read. */
const SPARE = 2;

/** Pages in random order. */
function tableOf(
  batch: number,
  columns: number,
  { holes, common }: NonNullable<CacheSketch['pages']>,
  random: Random,
): Tensor<'int32'> {
  const free = Array.from({ length: batch * columns + SPARE }, (_, page) => page);
  const next = (): number => free.splice(random.below(free.length), 1)[0]!;
  const first = common ? next() : -1;
  const table = Int32Array.from({ length: batch * columns }, (_, n) => {
    if (common && n % columns === 0) return first;
    return holes && random.uniform() < 0.3 ? -1 : next();
  });
  return tensor(table, [batch, columns]) as Tensor<'int32'>;
}

/** Copies rows `[B, H, L, D]` into the pages of a pool `[pages, H, size, D]`, whose other pages hold NaN. */
function poolOf({ dtype, shape, data }: Tensor, blockTable: Tensor<'int32'>, size: number): Tensor {
  const [batch, heads, length, depth] = shape as [number, number, number, number];
  const columns = length / size;
  const pool: Tensor = zeros(dtype, [blockTable.data.length + SPARE, heads, size, depth]);
  // −1 in integers, whose scales are NaN.
  pool.data.fill(isFloat(dtype) ? cast(tensor(Float64Array.of(NaN), [1]), dtype).data[0]! : -1);
  for (let b = 0; b < batch; b++) {
    for (let column = 0; column < columns; column++) {
      const page = blockTable.data[b * columns + column]!;
      if (page === -1) continue;
      for (let h = 0; h < heads; h++) {
        const from = ((b * heads + h) * length + column * size) * depth;
        pool.data.set(data.subarray(from, from + size * depth), (page * heads + h) * size * depth);
      }
    }
  }
  return pool;
}

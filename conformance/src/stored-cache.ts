import { type CacheType, type Tensor, cast, quantize, tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import type { Random } from './random.ts';
import type { Sketch } from './sketch.ts';

/** Keys and values as a request has them, `[B, Hkv, Lk, D]` or in pages. */
export interface StoredCache {
  readonly key: Tensor;
  readonly value: Tensor;
  readonly keyScales?: Tensor;
  readonly valueScales?: Tensor;
  readonly blockTable?: Tensor<'int32'>;
}

/** Stores keys and values as a sketch says. */
export function storedCache(
  { dtype = 'float32', cacheType = dtype, wholeRows = false, pages, ...sketch }: Sketch,
  keys: Tensor<'float64'>,
  values: Tensor<'float64'>,
  random: Random,
): StoredCache {
  const key = stored(keys, cacheType, wholeRows);
  const value = stored(values, cacheType, wholeRows);
  const rows: StoredCache = {
    key: key.rows,
    value: value.rows,
    ...(key.scales && { keyScales: key.scales }),
    ...(value.scales && { valueScales: value.scales }),
  };
  if (pages === undefined) return rows;
  const batch = sketch.batch ?? 2;
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
  { holes, common }: NonNullable<Sketch['pages']>,
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
  // The bits of a NaN; −1 in integers, whose scales are NaN.
  pool.data.fill(dtype === 'float32' || dtype === 'float64' ? NaN : -1);
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

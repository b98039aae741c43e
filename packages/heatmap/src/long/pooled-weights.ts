import {
  type AttentionBackend,
  HeedError,
  type Statistics,
  type Tensor,
  attention,
  resolveRequest,
} from '@heed/core';
import {
  abortSignal,
  assertBackend,
  callback,
  checkOptions,
  numbersOf,
  type OptionTable,
  shown,
} from '@heed/core/backend';
import { choose } from '../choose.ts';
import { checkCount } from '../options.ts';
import { type OneHead, type PlainRequest, type WeightsRequest, onHost, oneHead } from './one-head.ts';
import { type Pool, createPool, edgesOf, labelsOf } from './pool.ts';
import type { Range } from './slice.ts';

/** Options of {@link pooledWeights}: one head, a part of its matrix, and the resolution. */
export interface PoolingOptions {
  /** The batch element. Default 0 when there is one. */
  readonly batch?: number | undefined;
  /** The query head. Default 0 when there is one. */
  readonly head?: number | undefined;
  /** Query rows of the picture, from the first up to, but not including, the second. Default: all. */
  readonly rows?: Range | undefined;
  /** Keys of the picture, likewise. */
  readonly columns?: Range | undefined;
  /** The largest number of cells along either axis. Default 1024. */
  readonly maximum?: number | undefined;
  /** Statistics of the whole request, `[B, Hq, Lq]`, from an earlier run: then only keys of the picture are read. */
  readonly statistics?: Statistics | undefined;
  /** Ends the work early: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called from time to time with the share that is done, 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

const POOLING_NAMES: OptionTable<PoolingOptions> = {
  batch: true,
  head: true,
  rows: true,
  columns: true,
  maximum: true,
  statistics: true,
  signal: abortSignal,
  onProgress: callback,
};

/** Weights at the resolution of a picture. */
export interface PooledWeights {
  /** `[R, C]`: the largest weight of each cell. */
  readonly max: Tensor<'float32'>;
  /** `[R, C]`: the mean weight of each cell. */
  readonly mean: Tensor<'float32'>;
  /** Labels of the cells: `64–127`, or `64` where a cell is one query. */
  readonly rows: readonly string[];
  readonly columns: readonly string[];
}

/** Number of weights in memory at one time: 16 MiB of float32. */
const TILE_ELEMENTS = 2 ** 22;

/**
 * Computes the weights of one head at the resolution of a picture, however long the inputs are: at most one tile of
 * them is in memory. Tiles of query rows go through the backend with weights as an output and values of size 1, so
 * that every backend and every option of attention works, at the backend's own speed. A part of the keys is computed
 * alone and scaled by the row maximum and row sum of the whole row; where a cell is one weight, the result is exact.
 *
 * @throws HeedError `ARGUMENT` for an unknown batch element, head or range, or if `backend` is not a backend; `UNKNOWN_OPTION`;
 * what `attention` throws.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import ts from '@heed/backend-ts';
 * import { heatmap, pooledWeights, toSVG } from '@heed/heatmap';
 *
 * const x = tensor(Float32Array.from({ length: 12000 }, (_, n) => Math.sin(n)), [1, 1, 3000, 4]);
 * const request = { query: x, key: x, causal: true };
 * const { max, rows, columns } = await pooledWeights(await ts.create(), request, { maximum: 256 });
 * const svg = toSVG(heatmap(max, { rows, columns, title: 'Largest weight of each 12 × 12' }));
 * console.log(max.shape.join(), rows[1]); // 256,256 11–22
 * ```
 */
export async function pooledWeights(
  backend: AttentionBackend,
  request: WeightsRequest,
  options: PoolingOptions = {},
): Promise<PooledWeights> {
  assertBackend(backend);
  checkOptions('pooledWeights()', options, POOLING_NAMES);
  const maximum = options.maximum ?? 1024;
  checkCount('maximum', maximum);
  const hasValueDim = backend.capabilities.features.includes('valueDim');
  const plain = await onHost(request, hasValueDim ? 1 : (request?.query?.shape?.at(-1) ?? 1));
  const { batch, head } = chosen(plain, options);
  const one = oneHead(plain, batch, head);
  const rows = rangeOf('rows', options.rows, one.queryLength);
  const columns = rangeOf('columns', options.columns, one.keyLength);
  const [rowEdges, columnEdges] = [edgesOf(rows, maximum), edgesOf(columns, maximum)];
  const pool = createPool(rowEdges, columnEdges);
  const area = { backend, rows, columns, pool, options };
  if ((plain.selection ?? 'softmax') !== 'softmax') await poolChoices(area, plain, batch, head);
  else await poolTiles(area, one, batch, head);
  return { ...pool.finish(), rows: labelsOf(rowEdges), columns: labelsOf(columnEdges) };
}

interface Area {
  readonly backend: AttentionBackend;
  readonly rows: Range;
  readonly columns: Range;
  readonly pool: Pool;
  readonly options: PoolingOptions;
}

async function poolTiles(area: Area, one: OneHead, batch: number, head: number): Promise<void> {
  const { backend, rows, columns, pool, options } = area;
  const width = columns[1] - columns[0];
  const whole = width === one.keyLength;
  const factorOf = whole ? null : await globalStatistics(area, one, batch, head);
  const height = Math.max(1, Math.floor(TILE_ELEMENTS / Math.max(1, width)));

  // Every tile has the same keys: they go to the backend once.
  const { key, value } = one.rectangle([0, 0], columns, { sinks: whole });
  const keys = await backend.upload(key as Tensor);
  const values = await backend.upload(value as Tensor);

  const tileAt = (start: number): Tile | null => {
    if (start >= rows[1]) return null;
    const tileRows: Range = [start, Math.min(rows[1], start + height)];
    const request = {
      ...one.rectangle(tileRows, columns, { sinks: whole }),
      key: keys,
      value: values,
      output: false,
      weights: true,
      statistics: !whole,
    } as const;
    const results = attention(backend, request, signalOf(options));
    // Awaited below, unless the tile before it fails.
    results.catch(() => undefined);
    return { rows: tileRows, results };
  };

  let next = tileAt(rows[0]);
  try {
    while (next !== null) {
      const [start, end] = next.rows;
      const { weights, statistics } = await next.results;
      // A backend with threads works on the next tile while this one is pooled.
      next = tileAt(end);
      const factor =
        factorOf === null
          ? (): number => 1
          : (row: number): number => factorOf(row, statistics!, row - start);
      pool.add(numbersOf(weights), end - start, width, factor);
      options.onProgress?.((end - rows[0]) / (rows[1] - rows[0]));
    }
  } finally {
    await next?.results.catch(() => undefined);
    keys.dispose();
    values.dispose();
  }
}

/** Rows whose weights are being computed. */
interface Tile {
  readonly rows: Range;
  readonly results: Promise<{ readonly weights: Tensor; readonly statistics?: Statistics }>;
}

/** Factor that turns a row's weights over a part of the keys into those of the whole row. */
type PartFactor = (row: number, part: Statistics, partRow: number) => number;

async function globalStatistics(area: Area, one: OneHead, batch: number, head: number): Promise<PartFactor> {
  const { backend, rows, options } = area;
  const given = options.statistics;
  const request = one.rectangle(rows, [0, one.keyLength], { sinks: true });
  const { rowMax, rowSum } =
    given ??
    (await attention(backend, { ...request, output: false, statistics: true }, signalOf(options))).statistics;
  const heads = rowMax.shape[1]!;
  const first = given === undefined ? -rows[0] : (batch * heads + head) * one.queryLength;
  return (row, part, partRow) => {
    const partSum = part.rowSum.data[partRow]!;
    if (partSum === 0) return 0;
    const shift = part.rowMax.data[partRow]! - rowMax.data[first + row]!;
    return (partSum * Math.exp(shift)) / rowSum.data[first + row]!;
  };
}

/** Pools hard attention: its noise depends on indices of head and key, so the choices come from the whole request. */
async function poolChoices(
  { backend, rows, columns, pool, options }: Area,
  plain: PlainRequest,
  batch: number,
  head: number,
): Promise<void> {
  const { choice } = await attention(backend, { ...plain, output: false, choice: true }, signalOf(options));
  const [, heads, length] = choice.shape as [number, number, number];
  const width = columns[1] - columns[0];
  const weights = new Float32Array(width);
  for (let row = rows[0]; row < rows[1]; row++) {
    const key = choice.data[(batch * heads + head) * length + row]! - columns[0];
    const isInside = key >= 0 && key < width;
    if (isInside) weights[key] = 1;
    pool.add(weights, 1, width, () => 1);
    if (isInside) weights[key] = 0;
  }
  options.onProgress?.(1);
}

function signalOf({ signal }: PoolingOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function chosen(plain: PlainRequest, { batch, head }: PoolingOptions): { batch: number; head: number } {
  const { batch: batches, heads } = resolveRequest(plain).problem;
  return { batch: choose('batch', 'B', batch, batches), head: choose('head', 'Hq', head, heads) };
}

function rangeOf(name: string, given: Range | undefined, length: number): Range {
  if (given === undefined) return [0, length];
  const [start, end] = Array.isArray(given) ? (given as Range) : [NaN, NaN];
  if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= length)
    return [start, end];
  throw new HeedError('ARGUMENT', `${name} is ${shown(given)}; expected a part of 0 to ${length}`, {
    remedy: 'give [start, end]: from the first up to, but not including, the second',
  });
}

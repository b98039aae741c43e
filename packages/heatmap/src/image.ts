import { HeedError, type PlainTensorLike, type Tensor, isResident } from '@heed/core';
import { integer, type OptionTable, shown, sizeOf, text } from '@heed/core/backend';
import { isIndex } from './choose.ts';
import { domainOf } from './domain.ts';
import { formatValue } from './format.ts';
import { checkChoices, checkTexts } from './options.ts';
import type { HeatmapOptions, HeatmapView } from './view.ts';
import { headOf } from './weights.ts';

/** Options of {@link overImage}: which weights are laid over the image, and where its patches are. */
export interface ImageOptions extends Pick<
  HeatmapOptions,
  'batch' | 'head' | 'title' | 'description' | 'domain'
> {
  /** The query whose weights are shown: often 0, the class token. */
  readonly query: number;
  /** Patches of the image: down, then across. */
  readonly grid: readonly [rows: number, columns: number];
  /** Keys before the first patch, such as a class token; more may follow the last. Without it, the keys are the patches and nothing else. */
  readonly skip?: number | undefined;
  /** The image itself, to lie under the cells: a `data:` address of a PNG, JPEG, WebP or GIF, base64. */
  readonly image?: string | undefined;
}

const IMAGE_NAMES: OptionTable<ImageOptions> = {
  query: true,
  grid: true,
  skip: integer(0),
  image: text,
  batch: true,
  head: true,
  title: true,
  description: true,
  domain: true,
};

const IMAGE = /^data:image\/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/;

/**
 * Draws what one query attends to, as a grid over the image whose patches are the keys (a vision transformer).
 *
 * @param weights `[Lq, Lk]`, or `[B, Hq, Lq, Lk]` with a batch element and a head chosen; keys, and queries before them, may have
 * the axes of a grid, as in the weights of `SpatialAttention`.
 * @throws HeedError `ARGUMENT` for a query out of range, a grid that the keys do not fill, or an image that is not a
 * `data:` address; otherwise as {@link heatmap} does.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { overImage, toTerminal } from '@heed/heatmap';
 *
 * // A class token and 2 × 2 patches.
 * const weights = tensor(new Float32Array([0.1, 0.2, 0.6, 0.1, 0]), [1, 5]);
 * const view = overImage(weights, { query: 0, grid: [2, 2], skip: 1 });
 * console.log(view.description); // 2 × 2 patches. Largest: row 0, column 1, 0.600.
 * ```
 */
export function overImage(weights: PlainTensorLike, options: ImageOptions): HeatmapView {
  checkChoices('overImage()', options, IMAGE_NAMES);
  checkTexts({ title: options.title, description: options.description });
  const { query, grid, skip = 0, image } = options;
  const { rowCount, columnCount, values } = headOf(withoutGrid(weights, grid), options);
  if (!isIndex(query, rowCount)) {
    throw new HeedError('ARGUMENT', `query is ${shown(query)}; weights have Lq=${rowCount}`, {
      remedy: 'set query to the index of a row, counted from 0',
    });
  }
  const [rows, columns] = Array.isArray(grid) ? (grid as ImageOptions['grid']) : [NaN, NaN];
  const areCounts = [rows, columns, skip].every((length) => isIndex(length, Infinity));
  if (!areCounts || skip + rows * columns > columnCount) {
    throw new HeedError(
      'ARGUMENT',
      `grid is ${shown(grid)} after ${shown(skip)} keys; weights have Lk=${columnCount}`,
      { remedy: 'set grid to the patches down and across, and skip to the keys before the first patch' },
    );
  }
  if (options.skip === undefined && rows * columns !== columnCount) {
    throw new HeedError('ARGUMENT', `grid is ${shown(grid)} of ${columnCount} keys; expected all of them`, {
      remedy: 'set skip to the keys before the first patch: 1 with a class token',
    });
  }
  if (image !== undefined && !IMAGE.test(image)) {
    throw new HeedError('ARGUMENT', 'the image is not a data: address of a PNG, JPEG, WebP or GIF', {
      remedy: 'read the file and give data:image/png;base64,…',
    });
  }
  const start = query * columnCount + skip;
  const patches = values.slice(start, start + rows * columns);
  return {
    title: options.title ?? 'Attention over the image',
    description: options.description ?? describe(patches, rows, columns),
    rows: Array.from({ length: rows }, (_, row) => String(row)),
    columns: Array.from({ length: columns }, (_, column) => String(column)),
    axes: { rows: 'row', columns: 'column' },
    values: patches,
    domain: domainOf(options.domain, patches),
    highlight: null,
    backdrop: image ?? null,
    signal: null,
  };
}

/** Returns weights `[B, Hq, …, rows, columns]` with one axis for queries and one for keys, and any others as they are. */
function withoutGrid(weights: PlainTensorLike, grid: ImageOptions['grid']): PlainTensorLike {
  if (isResident(weights)) return weights;
  const { shape } = weights as Partial<Tensor>;
  if (!Array.isArray(shape) || shape.length < 5 || String(shape.slice(-2)) !== String(grid)) return weights;
  const [batch, heads, ...places] = shape as number[];
  const lengths = [sizeOf(places.slice(0, -2)), sizeOf(places.slice(-2))];
  return { ...(weights as Tensor), shape: [batch!, heads!, ...lengths] };
}

function describe(patches: Float64Array, rows: number, columns: number): string {
  const best = patches.reduce((most, value, index) => (value > patches[most]! ? index : most), 0);
  const size = `${rows} × ${columns} patches.`;
  if (patches.length === 0) return size;
  const place = `row ${Math.floor(best / columns)}, column ${best % columns}`;
  return `${size} Largest: ${place}, ${formatValue(patches[best]!)}.`;
}

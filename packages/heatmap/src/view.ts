import { HeedError, type PlainTensorLike } from '@heed/core';
import { type OptionTable, checkOptions, shown } from '@heed/core/backend';
import { isIndex } from './choose.ts';
import { type Domain, type DomainOption, domainOf } from './domain.ts';
import { formatValue } from './format.ts';
import { checkChoices, checkTexts } from './options.ts';
import { headOf } from './weights.ts';

/** Part of the weights to show, with its labels. */
export interface HeatmapOptions {
  /** Labels of the queries, top to bottom: Lq of them. Default: their indices. */
  readonly rows?: readonly string[] | undefined;
  /** Labels of the keys, left to right: Lk of them. Default: their indices. */
  readonly columns?: readonly string[] | undefined;
  /** Names of rows and columns that are not queries and keys: `{ rows: 'layer', columns: 'head' }`. Default `query` and `key`. */
  readonly axes?: Partial<HeatmapAxes> | undefined;
  /** Element of the batch. Required if weights are `[B, Hq, Lq, Lk]` with B > 1. */
  readonly batch?: number | undefined;
  /** Query head. Required if weights are `[B, Hq, Lq, Lk]` with Hq > 1. */
  readonly head?: number | undefined;
  /** Default `Attention weights`. */
  readonly title?: string | undefined;
  /** Description for those who cannot see the picture. Default: its size and its largest value. */
  readonly description?: string | undefined;
  /** A row, or one cell of it, to point out. */
  readonly highlight?: { readonly row: number; readonly column?: number | undefined } | undefined;
  /**
   * The values at the two ends of the color scale; values beyond them take the color of the end. Give the same
   * domain to pictures that are to be compared. Default: from 0, or the smallest value if that is less, to the largest.
   * `robust` leaves the largest hundredth of the values that are not 0 beyond the end: a few large weights, such as
   * those of a first token, do not make the rest pale.
   */
  readonly domain?: DomainOption | undefined;
}

export const HEATMAP_NAMES: OptionTable<HeatmapOptions> = {
  rows: true,
  columns: true,
  axes: true,
  batch: true,
  head: true,
  title: true,
  description: true,
  highlight: true,
  domain: true,
};

/** Names of what rows and columns are. */
export interface HeatmapAxes {
  readonly rows: string;
  readonly columns: string;
}

/** A heatmap before it is drawn: plain data, which survives `structuredClone`. Labels are as they were given. */
export interface HeatmapView {
  readonly title: string;
  readonly description: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly axes: HeatmapAxes;
  /** Row-major, rows × columns. NaN and ±Infinity are kept, and drawn as such. */
  readonly values: Float64Array;
  readonly domain: Domain;
  readonly highlight: { readonly row: number; readonly column: number | null } | null;
  /** A picture that lies under the cells, as a `data:` address: see {@link overImage}. */
  readonly backdrop: string | null;
  /** A height of 0 to 1 for each column, drawn below the cells: see {@link overAudio}. */
  readonly signal: Float64Array | null;
}

/**
 * Prepares attention weights for drawing, with {@link toTerminal} or {@link toSVG}.
 *
 * @param weights `[Lq, Lk]`, or `[B, Hq, Lq, Lk]` with a batch element and a head chosen. Any dtype: a boolean mask
 * is drawn as 0 and 1.
 * @throws HeedError `SHAPE` for another rank, or labels that are too many or too few; `ARGUMENT` for a head, batch
 * element or highlight that is missing or not there, or a domain that is empty; `UNKNOWN_OPTION`.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { heatmap, toTerminal } from '@heed/heatmap';
 *
 * const weights = tensor(new Float32Array([1, 0, 0.25, 0.75]), [2, 2]);
 * const view = heatmap(weights, { rows: ['the', 'bank'], columns: ['the', 'bank'], title: 'Layer 0' });
 * console.log(toTerminal(view, { color: 'truecolor' }));
 * ```
 */
export function heatmap(weights: PlainTensorLike, options: HeatmapOptions = {}): HeatmapView {
  checkChoices('heatmap()', options, HEATMAP_NAMES);
  checkTexts({ title: options.title, description: options.description });
  const axes = axesOf(options.axes);
  const { rowCount, columnCount, values } = headOf(weights, options);
  const rows = labelsOf('rows', options.rows, 'Lq', rowCount);
  const columns = labelsOf('columns', options.columns, 'Lk', columnCount);
  const view = { rows, columns, axes, values, title: options.title ?? 'Attention weights' };
  return {
    ...view,
    description: options.description ?? describe(view),
    domain: domainOf(options.domain, values),
    highlight: highlightOf(options.highlight, rowCount, columnCount),
    backdrop: null,
    signal: null,
  };
}

const USUAL_AXES: HeatmapAxes = { rows: 'query', columns: 'key' };

function axesOf(given: HeatmapOptions['axes']): HeatmapAxes {
  if (given === undefined) return USUAL_AXES;
  checkOptions('axes', given, { rows: true, columns: true });
  const { rows, columns } = given;
  checkTexts({ 'axes.rows': rows, 'axes.columns': columns });
  return { rows: rows ?? USUAL_AXES.rows, columns: columns ?? USUAL_AXES.columns };
}

/** Texts, and numbers, which are written as text. */
function isLabel(label: unknown): boolean {
  return typeof label === 'string' || typeof label === 'number';
}

function labelsOf(
  name: 'rows' | 'columns',
  labels: readonly string[] | undefined,
  letter: string,
  count: number,
): readonly string[] {
  if (labels === undefined) return Array.from({ length: count }, (_, index) => String(index));
  if (!Array.isArray(labels) || Array.from(labels).some((label) => !isLabel(label))) {
    throw new HeedError(
      'ARGUMENT',
      `${name} is ${shown(labels)}; expected an array of ${letter}=${count} labels`,
      {
        remedy: `give one label for each of the ${count} ${name}, or leave them out`,
      },
    );
  }
  if (labels.length === count) return labels.map(String);
  throw new HeedError('SHAPE', `${name} has ${labels.length} labels; weights have ${letter}=${count}`, {
    remedy: `give one label for each of the ${count} ${name}, or leave them out`,
  });
}

function highlightOf(
  given: HeatmapOptions['highlight'],
  rowCount: number,
  columnCount: number,
): HeatmapView['highlight'] {
  if (given === undefined) return null;
  checkOptions('highlight', given, { row: true, column: true });
  const { row, column } = given;
  if (!isIndex(row, rowCount) || (column !== undefined && !isIndex(column, columnCount))) {
    const cell = column === undefined ? `row ${shown(row)}` : `row ${shown(row)}, column ${shown(column)}`;
    throw new HeedError('ARGUMENT', `highlight is ${cell}; weights are [${rowCount}, ${columnCount}]`, {
      remedy: 'give indices, counted from 0',
    });
  }
  return { row, column: column ?? null };
}

function describe({
  rows,
  columns,
  axes,
  values,
}: Pick<HeatmapView, 'rows' | 'columns' | 'axes' | 'values'>): string {
  let best = -1;
  values.forEach((value, index) => {
    if (Number.isFinite(value) && (best === -1 || value > values[best]!)) best = index;
  });
  const size =
    axes === USUAL_AXES
      ? `${rows.length} queries (rows) over ${columns.length} keys (columns).`
      : `${rows.length} rows (${axes.rows}) over ${columns.length} columns (${axes.columns}).`;
  if (best === -1) return size;
  const row = rows[Math.floor(best / columns.length)]!;
  const column = columns[best % columns.length]!;
  return `${size} Largest: ${row} → ${column}, ${formatValue(values[best]!)}.`;
}

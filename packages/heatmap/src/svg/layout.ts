import { formatCell } from '../format.ts';
import { fitText, visibleText, widthOf } from '../text.ts';
import type { HeatmapView } from '../view.ts';

/** Lengths in pixels. */
export const PADDING = 24;
export const LABEL_SIZE = 13;
export const NUMBER_SIZE = 11.5;
export const TITLE_SIZE = 16;
export const CAPTION_SIZE = 11;
export const CAPTION_HEIGHT = 20;
export const SIGNAL_HEIGHT = 40;
export const MONO: string = 'ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace';
export const SANS: string =
  'system-ui,-apple-system,Segoe UI,Roboto,Helvetica Neue,Arial,DejaVu Sans,sans-serif';
/** Largest number of cells with an element each: more would be megabytes, which viewers open slowly. */
export const MOST_ELEMENTS = 16_384;
/** Largest number of cells of a picture, as pixels. */
export const MOST_CELLS: number = 2 ** 22;
const LEGEND_WIDTH = 160;
const LARGEST_CELL = 44;
const SMALLEST_CELL = 4;
const LOWEST_ROW = 20;
const GRID_WIDTH = 704;
const LONGEST_LABEL = 24;
/** Room for the captions of the axes. */
const LEAST_GUTTER = 64;
/** Advance of a column of text in a monospaced font, in ems. */
const ADVANCE = 0.61;

/** Position of everything in the picture. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly cell: number;
  /** Height of a cell: above its width if there are few rows and many columns. */
  readonly cellHeight: number;
  /** True if cells are large enough for their numbers. */
  readonly numbers: boolean;
  /** Distance between labels, in rows and columns. */
  readonly rowLabelEvery: number;
  readonly columnLabelEvery: number;
  readonly slanted: boolean;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly gridX: number;
  readonly gridY: number;
  readonly gridWidth: number;
  readonly gridHeight: number;
  readonly legendWidth: number;
  readonly legendY: number;
  /** True if the cells are drawn as one image. */
  readonly raster: boolean;
}

export function layoutOf(view: HeatmapView): Layout {
  const [rows, columns] = [view.rows.map(shorten), view.columns.map(shorten)];
  const across = Math.max(1, columns.length);
  const raster = view.values.length > MOST_ELEMENTS;
  const smallest = raster ? 1 : SMALLEST_CELL;
  const cell = Math.min(LARGEST_CELL, Math.max(smallest, Math.floor(GRID_WIDTH / across)));
  const isFlat = 3 * rows.length <= columns.length && view.backdrop === null;
  const cellHeight = isFlat ? Math.max(cell, LOWEST_ROW) : cell;
  const [gridWidth, gridHeight] = [cell * columns.length, cellHeight * rows.length];

  const widestRow = widest(rows, LABEL_SIZE);
  const widestColumn = widest(columns, LABEL_SIZE);
  const slanted = widestColumn > cell - 6;
  const rise = slanted ? (widestColumn + LABEL_SIZE) * Math.SQRT1_2 : LABEL_SIZE;
  // The last slanted label reaches beyond the grid.
  const overhang = slanted ? Math.max(0, rise - cell / 2) : 0;

  const captions = Object.values(view.axes).map((name) => `${shorten(name)} →`);
  const gridX = PADDING + Math.max(LEAST_GUTTER, widestRow + 12, widest(captions, CAPTION_SIZE) + 12);
  const gridY = PADDING + headerHeight(view) + Math.max(rise, 32) + 10;
  const legendWidth = Math.min(LEGEND_WIDTH, Math.max(gridWidth, 80));
  const right = Math.max(gridX + gridWidth + overhang, gridX + legendWidth + 72, 320);
  const width = Math.ceil(right + PADDING);
  const legendY = gridY + gridHeight + 20 + (view.signal === null ? 0 : SIGNAL_HEIGHT);
  return {
    width,
    height: Math.ceil(legendY + LABEL_SIZE + PADDING),
    cell,
    cellHeight,
    raster,
    numbers:
      !raster &&
      view.backdrop === null &&
      widest(Array.from(view.values, formatCell), NUMBER_SIZE) <= cell - 4,
    rowLabelEvery: roundStep((LABEL_SIZE + 1) / cellHeight),
    // A slanted label reaches over its neighbors, so some are left out.
    columnLabelEvery: cell > LABEL_SIZE ? 1 : roundStep((2.2 * LABEL_SIZE) / cell),
    slanted,
    rows,
    columns,
    gridX,
    gridY,
    gridWidth,
    gridHeight,
    legendWidth,
    legendY,
  };
}

/** Largest number of characters of a line of text in a picture of this width. */
export function lineLength(width: number, size: number): number {
  return Math.floor((width - 2 * PADDING) / (size * ADVANCE));
}

/** Rounds up to 1, 2, 4, 5 or 8 times a power of ten, so that labels are at even distances. */
function roundStep(least: number): number {
  if (least <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 4, 5, 8].find((step) => step * power >= least) ?? 10) * power;
}

/** A label as it is drawn. */
export function shorten(label: string): string {
  return fitText(visibleText(label), LONGEST_LABEL);
}

function headerHeight(view: HeatmapView): number {
  return view.highlight === null ? 24 : 46;
}

/** Labels are set in a monospaced font, so that their widths are known without measuring. */
function widest(labels: readonly string[], size: number): number {
  return labels.reduce((maximum, label) => Math.max(maximum, widthOf(label)), 0) * size * ADVANCE;
}

import { formatCell } from './format.ts';
import { fitText, visibleText, widthOf } from './text.ts';
import type { HeatmapView } from './view.ts';

/** Lengths in pixels. */
export const PADDING = 24;
export const LABEL_SIZE = 13;
export const NUMBER_SIZE = 11.5;
const TITLE_SIZE = 16;
const LEGEND_WIDTH = 160;
const LARGEST_CELL = 44;
const SMALLEST_CELL = 4;
const GRID_WIDTH = 704;
const LONGEST_LABEL = 24;
/** Room for the captions of the axes. */
const LEAST_GUTTER = 64;
/** Advance of a column of text in a monospaced font, in ems. */
const ADVANCE = 0.61;

/** Where everything stands. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly cell: number;
  /** Whether cells are large enough for their numbers. */
  readonly numbers: boolean;
  /** Every how many rows and columns have a label. */
  readonly labelEvery: number;
  readonly slanted: boolean;
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly gridX: number;
  readonly gridY: number;
  readonly gridWidth: number;
  readonly gridHeight: number;
  readonly legendWidth: number;
}

export function layoutOf(view: HeatmapView): Layout {
  const [rows, columns] = [view.rows.map(shorten), view.columns.map(shorten)];
  const across = Math.max(1, columns.length);
  const cell = Math.min(LARGEST_CELL, Math.max(SMALLEST_CELL, Math.floor(GRID_WIDTH / across)));
  const [gridWidth, gridHeight] = [cell * columns.length, cell * rows.length];

  const widestRow = widest(rows, LABEL_SIZE);
  const widestColumn = widest(columns, LABEL_SIZE);
  const slanted = widestColumn > cell - 6;
  const rise = slanted ? (widestColumn + LABEL_SIZE) * Math.SQRT1_2 : LABEL_SIZE;
  // The last slanted label reaches beyond the grid.
  const overhang = slanted ? Math.max(0, rise - cell / 2) : 0;

  const gridX = PADDING + Math.max(LEAST_GUTTER, widestRow + 12);
  const gridY = PADDING + headerHeight(view) + Math.max(rise, 32) + 10;
  const legendWidth = Math.min(LEGEND_WIDTH, Math.max(gridWidth, 80));
  const right = Math.max(gridX + gridWidth + overhang, gridX + legendWidth + 72, 320);
  const width = Math.ceil(right + PADDING);
  return {
    width,
    height: Math.ceil(gridY + gridHeight + 20 + LABEL_SIZE + PADDING),
    cell,
    numbers: widest(Array.from(view.values, formatCell), NUMBER_SIZE) <= cell - 4,
    labelEvery: Math.ceil((LABEL_SIZE + 1) / cell),
    slanted,
    title: fitText(visibleText(view.title), Math.floor((width - 2 * PADDING) / (TITLE_SIZE * ADVANCE))),
    rows,
    columns,
    gridX,
    gridY,
    gridWidth,
    gridHeight,
    legendWidth,
  };
}

function shorten(label: string): string {
  return fitText(visibleText(label), LONGEST_LABEL);
}

function headerHeight(view: HeatmapView): number {
  return view.highlight === null ? 24 : 46;
}

/** Labels are set in a monospaced font, so that their widths are known without measuring. */
function widest(labels: readonly string[], size: number): number {
  return labels.reduce((most, label) => Math.max(most, widthOf(label)), 0) * size * ADVANCE;
}

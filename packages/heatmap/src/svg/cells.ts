import { type ColorMap, positionIn, strengthAt } from '../color.ts';
import { formatCell, formatValue } from '../format.ts';
import { rasterOf } from './raster.ts';
import { MONO, NUMBER_SIZE } from './layout.ts';
import type { Styles } from './style.ts';
import type { HeatmapView } from '../view.ts';
import { element, escapeXML } from './xml.ts';

/** Position of a grid of cells, and its style. */
export interface Grid {
  readonly x: number;
  readonly y: number;
  /** Width of a cell. */
  readonly cell: number;
  readonly cellHeight: number;
  /** True if cells show their numbers. */
  readonly numbers: boolean;
  /** True if the cells are one image instead of an element each. */
  readonly raster: boolean;
}

/** Properties of the whole picture that the drawing of cells needs. */
export interface Pen {
  readonly id: string;
  readonly colorMap: ColorMap;
  readonly styles: Styles;
}

/** Draws the cells of a view and the image under them. */
export function drawCells(view: HeatmapView, grid: Grid, pen: Pen): string {
  return backdrop(view, grid) + (grid.raster ? raster(view, grid, pen) : elements(view, grid, pen));
}

function placeOf({ rows, columns }: HeatmapView, { x, y, cell, cellHeight }: Grid): Record<string, number> {
  return { x, y, width: cell * columns.length, height: cellHeight * rows.length };
}

function backdrop(view: HeatmapView, grid: Grid): string {
  if (view.backdrop === null) return '';
  return element('image', { ...placeOf(view, grid), preserveAspectRatio: 'none', href: view.backdrop });
}

/** One image for each scheme; hatching shows through where a cell is not a number. */
function raster(view: HeatmapView, grid: Grid, { id, colorMap, styles }: Pen): string {
  const place = placeOf(view, grid);
  const image = {
    ...place,
    preserveAspectRatio: 'none',
    style: 'image-rendering:pixelated',
    ...(view.backdrop !== null && { opacity: 0.6 }),
  };
  const under = view.values.every(Number.isFinite)
    ? ''
    : element('rect', { ...place, fill: `url(#${id}-hatch)` });
  const images = styles.schemes.map((scheme) =>
    element('image', { ...image, ...styles.only(scheme), href: rasterOf(view, colorMap, scheme) }),
  );
  return under + images.join('');
}

function elements(view: HeatmapView, grid: Grid, pen: Pen): string {
  const { cell, cellHeight } = grid;
  const gap = view.backdrop !== null || cell < 10 ? 0 : cell >= 20 ? 2 : 1;
  const drawn = Array.from(view.values, (value, index) => {
    const row = Math.floor(index / view.columns.length);
    const column = index % view.columns.length;
    const [x, y] = [grid.x + column * cell, grid.y + row * cellHeight];
    const position = positionIn(view.domain, value);
    const fill = position === null ? { fill: `url(#${pen.id}-hatch)` } : pen.styles.ground(position);
    const name = `${view.rows[row]} → ${view.columns[column]}: ${formatValue(value)}`;
    const rect = element(
      'rect',
      {
        ...fill,
        x: x + gap / 2,
        y: y + gap / 2,
        width: cell - gap,
        height: cellHeight - gap,
        rx: gap === 2 ? 4 : undefined,
        'fill-opacity':
          view.backdrop === null ? undefined : 0.2 + 0.6 * strengthAt(pen.colorMap, position ?? 0),
      },
      element('title', {}, escapeXML(name)),
    );
    if (!grid.numbers) return rect;
    const color = position === null ? pen.styles.role('text') : pen.styles.ink(position);
    // The pointer goes through the number, to the name of the cell.
    const place = { x: x + cell / 2, y: y + cellHeight / 2 + NUMBER_SIZE * 0.35, 'pointer-events': 'none' };
    return rect + element('text', { ...color, ...place }, escapeXML(formatCell(value)));
  });
  const font = { 'font-family': MONO, 'font-size': NUMBER_SIZE, 'text-anchor': 'middle' };
  return element('g', font, drawn.join(''));
}

/** The frames around a highlighted row and its cell. */
export function drawHighlight({ highlight, columns }: HeatmapView, grid: Grid, styles: Styles): string {
  if (highlight === null || columns.length === 0) return '';
  const { cell, cellHeight } = grid;
  const y = grid.y + highlight.row * cellHeight;
  const frame = (x: number, width: number, line: number): string =>
    element('rect', {
      ...styles.role('mark', 'stroke'),
      x: x - 1,
      y: y - 1,
      width: width + 2,
      height: cellHeight + 2,
      rx: cell >= 20 ? 5 : 1,
      fill: 'none',
      'stroke-width': line,
    });
  const row = frame(grid.x, cell * columns.length, 1);
  return highlight.column === null ? row : row + frame(grid.x + highlight.column * cell, cell, 2.5);
}

/** The pattern of cells that are not a number. */
export function hatch({ id, styles }: Pen): string {
  const pattern = { id: `${id}-hatch`, patternUnits: 'userSpaceOnUse', width: 6, height: 6 };
  const line = { d: 'M-1 7L7 -1M-1 1L1 -1M5 7L7 5', 'stroke-width': 1, 'stroke-opacity': 0.55 };
  return element('pattern', pattern, element('path', { ...styles.role('quiet', 'stroke'), ...line }));
}

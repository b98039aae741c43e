import { HeedError } from '@heed/core';
import { checkOptions, text as anyText } from '@heed/core/backend';
import { type ColorMap, type Scheme, checkColorMap } from '../color.ts';
import { formatValue } from '../format.ts';
import type { HeatmapPanels } from '../heads.ts';
import { checkOneOf } from '../options.ts';
import { scaledFor, viewsOf } from '../picture.ts';
import { type Pen, drawCells, drawHighlight, hatch } from './cells.ts';
import { type Drawing, captioned, svgDocument, titleText } from './document.ts';
import {
  LABEL_SIZE,
  type Layout,
  MONO,
  MOST_CELLS,
  PADDING,
  SANS,
  SIGNAL_HEIGHT,
  layoutOf,
  shorten,
} from './layout.ts';
import { legend, scaleGradient } from './legend.ts';
import { drawPanels } from './panels.ts';
import { type Styles, stylesOf } from './style.ts';
import type { HeatmapView } from '../view.ts';
import { element, escapeXML } from './xml.ts';

/** Options of {@link toSVG}. */
export interface SVGOptions {
  /** Default `magma`. */
  readonly colorMap?: ColorMap | undefined;
  /** Default `auto`: light, or dark where the reader prefers it. */
  readonly theme?: Scheme | 'auto' | undefined;
  /** Unique in the page that contains the picture. Default: derived from the picture. */
  readonly id?: string | undefined;
  /** A line below the picture, such as the address where it comes from; cut at its end to the picture's width. Default: none. */
  readonly caption?: string | undefined;
}

/**
 * Draws a heatmap as a self-contained SVG document: labels on both axes, a number in each cell that has room for it,
 * a name for each cell under the pointer, and the color scale with its ends. It has a title and a description for
 * screen readers, follows the reader's preference for light or dark, and can be inline in an HTML page. Labels
 * stay text, whatever they contain. More than 16,384 cells are drawn as an image within the SVG, one pixel each.
 *
 * @throws HeedError `ARGUMENT` for more than 2²² cells, an id that is not a plain name, or a value of another option; `UNKNOWN_OPTION`.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { heatmap, toSVG } from '@heed/heatmap';
 *
 * const view = heatmap(tensor(new Float32Array([0.25, 0.75]), [1, 2]), { columns: ['<river>', 'mud'] });
 * console.log(toSVG(view).includes('&lt;river&gt;')); // true
 * ```
 */
export function toSVG(picture: HeatmapView | HeatmapPanels, options: SVGOptions = {}): string {
  checkDrawing(picture, options);
  const id = options.id ?? `heatmap-${hash(JSON.stringify(picture, replacer))}`;
  const colorMap = options.colorMap ?? 'magma';
  const styles = stylesOf(id, colorMap, options.theme ?? 'auto');
  const pen: Pen = { id, colorMap, styles };
  const scaled = scaledFor(picture, colorMap);
  const drawing = 'panels' in scaled ? drawPanels(scaled, pen) : drawOne(scaled, pen);
  const { title, description } = picture;
  return svgDocument(captioned(drawing, options.caption, styles), { id, title, description, styles });
}

function drawOne(view: HeatmapView, pen: Pen): Drawing {
  const { styles } = pen;
  const layout = layoutOf(view);
  const grid = { x: layout.gridX, y: layout.gridY, ...layout };
  const content = [
    element('defs', {}, hatch(pen), scaleGradient(pen)),
    header(view, layout, styles),
    captions(view, layout, styles),
    columnLabels(view, layout, styles),
    rowLabels(view, layout, styles),
    drawCells(view, grid, pen),
    drawHighlight(view, grid, styles),
    signal(view, layout, styles),
    legend(view.domain, { x: layout.gridX, y: layout.legendY, width: layout.legendWidth }, pen),
  ];
  return { width: layout.width, height: layout.height, content: content.join('') };
}

function checkDrawing(picture: HeatmapView | HeatmapPanels, options: SVGOptions): void {
  checkOptions('toSVG()', options, { colorMap: true, theme: true, id: anyText, caption: anyText });
  const { id, colorMap = 'magma', theme = 'auto' } = options;
  checkColorMap(colorMap);
  checkOneOf('theme', theme, ['light', 'dark', 'auto']);
  const cells = viewsOf(picture).reduce((sum, { values }) => sum + values.length, 0);
  if (cells > MOST_CELLS) {
    throw new HeedError(
      'ARGUMENT',
      `the heatmap has ${cells} cells; expected at most ${MOST_CELLS} in an SVG`,
      {
        remedy: 'draw a part of the weights, or pool them: pooledWeights() gives the resolution of a picture',
      },
    );
  }
  if (id !== undefined && !/^[A-Za-z][\w-]*$/.test(id)) {
    throw new HeedError(
      'ARGUMENT',
      `id is ${JSON.stringify(id)}; expected a letter, then letters, digits, - or _`,
      { remedy: 'leave it out for an id that is made from the picture' },
    );
  }
}

function header(view: HeatmapView, layout: Layout, styles: Styles): string {
  const title = titleText(view.title, layout.width, styles);
  if (view.highlight === null) return title;
  const column = view.highlight.column ?? largestOfRow(view, view.highlight.row);
  const value = view.values[view.highlight.row * view.columns.length + column];
  if (value === undefined) return title;
  const text = `${layout.rows[view.highlight.row]} → ${layout.columns[column]}  ${formatValue(value)}`;
  return (
    title +
    element(
      'text',
      {
        ...styles.role('mark'),
        x: PADDING,
        y: PADDING + 37,
        'font-family': MONO,
        'font-size': 14,
        'font-weight': 600,
      },
      escapeXML(text),
    )
  );
}

function largestOfRow(view: HeatmapView, row: number): number {
  const start = row * view.columns.length;
  const values = view.values.subarray(start, start + view.columns.length);
  return values.reduce((best, value, column) => (value > values[best]! ? column : best), 0);
}

function captions({ axes }: HeatmapView, { gridX, gridY }: Layout, styles: Styles): string {
  const at = {
    ...styles.role('quiet'),
    x: gridX - 12,
    'text-anchor': 'end',
    'font-family': SANS,
    'font-size': 11,
  };
  const caption = (name: string, arrow: string, y: number): string =>
    element('text', { ...at, y }, escapeXML(`${shorten(name)} ${arrow}`));
  return caption(axes.columns, '→', gridY - 26) + caption(axes.rows, '↓', gridY - 10);
}

function columnLabels(view: HeatmapView, layout: Layout, styles: Styles): string {
  const { cell, gridX, gridY, slanted, columnLabelEvery } = layout;
  return layout.columns
    .map((label, column) => {
      if (column % columnLabelEvery !== 0) return '';
      const [x, y] = [gridX + (column + 0.5) * cell + (slanted ? 4 : 0), gridY - 10];
      const place = slanted
        ? { 'text-anchor': 'start', transform: `rotate(-45 ${x} ${y})` }
        : { 'text-anchor': 'middle' };
      return labelText(label, view.columns[column]!, styles, false, { x, y, ...place });
    })
    .join('');
}

function rowLabels(view: HeatmapView, layout: Layout, styles: Styles): string {
  const { cellHeight, gridX, gridY, rowLabelEvery } = layout;
  return layout.rows
    .map((label, row) => {
      const marked = view.highlight?.row === row;
      if (row % rowLabelEvery !== 0 && !marked) return '';
      const y = gridY + (row + 0.5) * cellHeight + LABEL_SIZE * 0.35;
      return labelText(label, view.rows[row]!, styles, marked, { x: gridX - 12, y, 'text-anchor': 'end' });
    })
    .join('');
}

function labelText(
  label: string,
  full: string,
  styles: Styles,
  marked: boolean,
  place: Record<string, string | number>,
): string {
  const font = { 'font-family': MONO, 'font-size': LABEL_SIZE, ...(marked && { 'font-weight': 700 }) };
  const text = escapeXML(label);
  const tooltip = escapeXML(full) === text ? '' : element('title', {}, escapeXML(full));
  return element('text', { ...styles.role(marked ? 'mark' : 'text'), ...place, ...font }, tooltip, text);
}

/** Draws bars below the cells, as high as each column's loudness. */
function signal(view: HeatmapView, layout: Layout, styles: Styles): string {
  if (view.signal === null) return '';
  const { gridX, gridY, gridHeight, cell } = layout;
  const middle = gridY + gridHeight + SIGNAL_HEIGHT / 2 + 6;
  const bars = Array.from(view.signal, (height, column) => {
    const half = Math.max(0.5, (height * SIGNAL_HEIGHT) / 2);
    const x = gridX + column * cell + cell / 2;
    return `M${x.toFixed(2)} ${(middle - half).toFixed(2)}v${(2 * half).toFixed(2)}`;
  });
  const line = { fill: 'none', 'stroke-width': Math.max(0.5, cell * 0.7), 'stroke-opacity': 0.75 };
  return element('path', { ...styles.role('quiet', 'stroke'), ...line, d: bars.join('') });
}

/** Makes JSON of a picture tell NaN from 0. */
function replacer(_: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as Float64Array, String) : value;
}

/** FNV-1a, 32 bits: the same picture has the same id. */
function hash(text: string): string {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  }
  return (state >>> 0).toString(16).padStart(8, '0');
}

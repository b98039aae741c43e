import { HeedError } from '@heed/core';
import { type ColorMap, type Scheme, positionIn } from './color.ts';
import { formatCell, formatValue } from './format.ts';
import { LABEL_SIZE, type Layout, NUMBER_SIZE, PADDING, layoutOf } from './svg-layout.ts';
import { type Styles, stylesOf } from './svg-style.ts';
import type { HeatmapView } from './view.ts';
import { element, escapeXML } from './xml.ts';

export interface SVGOptions {
  /** Default `magma`. */
  readonly colorMap?: ColorMap;
  /** Default `auto`: light, or dark where the reader prefers it. */
  readonly theme?: Scheme | 'auto';
  /** Unique in the page that the picture stands in. Default: made from what is drawn. */
  readonly id?: string;
}

/** Each cell is an element; more would be megabytes that no viewer opens gladly. */
const MOST_CELLS = 65_536;
const MONO = 'ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace';
const SANS = 'system-ui,-apple-system,Segoe UI,Roboto,Helvetica Neue,Arial,DejaVu Sans,sans-serif';

/**
 * Draws a heatmap as a self-contained SVG document: labels on both axes, a number in each cell that has room for it,
 * a name for each cell under the pointer, and the colour scale with its ends. It has a title and a description for
 * screen readers, follows the reader's preference for light or dark, and can stand inline in an HTML page. Labels
 * stay text, whatever is in them.
 *
 * @throws HeedError `ARGUMENT` for more than 65,536 cells, or an id that is not a plain name.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { heatmap, toSVG } from '@heed/heatmap';
 *
 * const view = heatmap(tensor([1, 2], new Float32Array([0.25, 0.75])), { columns: ['<river>', 'mud'] });
 * console.log(toSVG(view).includes('&lt;river&gt;')); // true
 * ```
 */
export function toSVG(view: HeatmapView, options: SVGOptions = {}): string {
  checkOptions(view, options);
  const id = options.id ?? `heatmap-${hash(JSON.stringify([view, Array.from(view.values, String)]))}`;
  const styles = stylesOf(id, options.colorMap ?? 'magma', options.theme ?? 'auto');
  const layout = layoutOf(view);
  const drawn = [
    element('defs', {}, hatch(id, styles), gradient(id, styles)),
    element('rect', { ...styles.role('paper'), width: layout.width, height: layout.height, rx: 12 }),
    header(view, layout, styles),
    captions(layout, styles),
    columnLabels(view, layout, styles),
    rowLabels(view, layout, styles),
    cells(view, layout, styles, id),
    highlight(view, layout, styles),
    legend(view, layout, styles, id),
  ];
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      id,
      role: 'img',
      'aria-labelledby': `${id}-title ${id}-description`,
      viewBox: `0 0 ${layout.width} ${layout.height}`,
      width: layout.width,
      height: layout.height,
      style: 'max-width:100%;height:auto',
      // A page that is written right to left must not turn the axes round.
      direction: 'ltr',
    },
    element('title', { id: `${id}-title` }, escapeXML(view.title)),
    element('desc', { id: `${id}-description` }, escapeXML(view.description)),
    element('style', {}, styles.sheet()),
    ...drawn,
  );
}

function checkOptions(view: HeatmapView, { id }: SVGOptions): void {
  if (view.values.length > MOST_CELLS) {
    throw new HeedError(
      'ARGUMENT',
      `the heatmap has ${view.values.length} cells, an SVG takes ${MOST_CELLS}`,
      {
        remedy: 'draw a part of the weights: fewer queries or fewer keys',
      },
    );
  }
  if (id !== undefined && !/^[A-Za-z][\w-]*$/.test(id)) {
    throw new HeedError(
      'ARGUMENT',
      `id is ${JSON.stringify(id)}, expected a letter, then letters, digits, - or _`,
    );
  }
}

function header(view: HeatmapView, layout: Layout, styles: Styles): string {
  const title = element(
    'text',
    {
      ...styles.role('text'),
      x: PADDING,
      y: PADDING + 14,
      'font-family': SANS,
      'font-size': 16,
      'font-weight': 600,
    },
    escapeXML(layout.title),
  );
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

function captions({ gridX, gridY }: Layout, styles: Styles): string {
  const at = {
    ...styles.role('quiet'),
    x: gridX - 12,
    'text-anchor': 'end',
    'font-family': SANS,
    'font-size': 11,
  };
  return (
    element('text', { ...at, y: gridY - 26 }, 'key →') + element('text', { ...at, y: gridY - 10 }, 'query ↓')
  );
}

function columnLabels(view: HeatmapView, layout: Layout, styles: Styles): string {
  const { cell, gridX, gridY, slanted, labelEvery } = layout;
  return layout.columns
    .map((label, column) => {
      if (column % labelEvery !== 0) return '';
      const [x, y] = [gridX + (column + 0.5) * cell + (slanted ? 4 : 0), gridY - 10];
      const place = slanted
        ? { 'text-anchor': 'start', transform: `rotate(-45 ${x} ${y})` }
        : { 'text-anchor': 'middle' };
      return labelText(label, view.columns[column]!, styles, false, { x, y, ...place });
    })
    .join('');
}

function rowLabels(view: HeatmapView, layout: Layout, styles: Styles): string {
  const { cell, gridX, gridY, labelEvery } = layout;
  return layout.rows
    .map((label, row) => {
      const marked = view.highlight?.row === row;
      if (row % labelEvery !== 0 && !marked) return '';
      const y = gridY + (row + 0.5) * cell + LABEL_SIZE * 0.35;
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

function cells(view: HeatmapView, layout: Layout, styles: Styles, id: string): string {
  const { cell } = layout;
  const gap = cell >= 20 ? 2 : cell >= 10 ? 1 : 0;
  const drawn = Array.from(view.values, (value, index) => {
    const row = Math.floor(index / view.columns.length);
    const column = index % view.columns.length;
    const [x, y] = [layout.gridX + column * cell, layout.gridY + row * cell];
    const position = positionIn(view.domain, value);
    const fill = position === null ? { fill: `url(#${id}-hatch)` } : styles.ground(position);
    const name = `${view.rows[row]} → ${view.columns[column]}: ${formatValue(value)}`;
    const rect = element(
      'rect',
      {
        ...fill,
        x: x + gap / 2,
        y: y + gap / 2,
        width: cell - gap,
        height: cell - gap,
        rx: gap === 2 ? 4 : undefined,
      },
      element('title', {}, escapeXML(name)),
    );
    if (!layout.numbers) return rect;
    const color = position === null ? styles.role('text') : styles.ink(position);
    // The pointer goes through the number, to the name of the cell.
    const place = { x: x + cell / 2, y: y + cell / 2 + NUMBER_SIZE * 0.35, 'pointer-events': 'none' };
    return rect + element('text', { ...color, ...place }, escapeXML(formatCell(value)));
  });
  const font = { 'font-family': MONO, 'font-size': NUMBER_SIZE, 'text-anchor': 'middle' };
  return element('g', font, drawn.join(''));
}

function highlight({ highlight: marked }: HeatmapView, layout: Layout, styles: Styles): string {
  if (marked === null || layout.gridWidth === 0) return '';
  const { cell, gridX, gridY, gridWidth } = layout;
  const y = gridY + marked.row * cell;
  const frame = (x: number, width: number, line: number): string =>
    element('rect', {
      ...styles.role('mark', 'stroke'),
      x: x - 1,
      y: y - 1,
      width: width + 2,
      height: cell + 2,
      rx: cell >= 20 ? 5 : 1,
      fill: 'none',
      'stroke-width': line,
    });
  const row = frame(gridX, gridWidth, 1);
  return marked.column === null ? row : row + frame(gridX + marked.column * cell, cell, 2.5);
}

function hatch(id: string, styles: Styles): string {
  const pattern = { id: `${id}-hatch`, patternUnits: 'userSpaceOnUse', width: 6, height: 6 };
  const line = { d: 'M-1 7L7 -1M-1 1L1 -1M5 7L7 5', 'stroke-width': 1, 'stroke-opacity': 0.55 };
  return element('pattern', pattern, element('path', { ...styles.role('quiet', 'stroke'), ...line }));
}

function gradient(id: string, styles: Styles): string {
  const stops = Array.from({ length: 17 }, (_, index) =>
    element('stop', { offset: index / 16, ...styles.stop(index / 16) }),
  );
  return element('linearGradient', { id: `${id}-scale` }, ...stops);
}

function legend(view: HeatmapView, layout: Layout, styles: Styles, id: string): string {
  const { gridX, gridY, gridHeight, legendWidth } = layout;
  const y = gridY + gridHeight + 20;
  const [low, high] = view.domain.map(formatValue) as [string, string];
  const text = { ...styles.role('quiet'), y: y + 9, 'font-family': MONO, 'font-size': 11 };
  const bar = element('rect', {
    x: gridX,
    y,
    width: legendWidth,
    height: 10,
    rx: 5,
    fill: `url(#${id}-scale)`,
  });
  return (
    element('text', { ...text, x: gridX - 12, 'text-anchor': 'end' }, low) +
    bar +
    element('text', { ...text, x: gridX + legendWidth + 10 }, high)
  );
}

/** FNV-1a, 32 bits: the same picture has the same id. */
function hash(text: string): string {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  }
  return (state >>> 0).toString(16).padStart(8, '0');
}

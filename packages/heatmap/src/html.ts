import { checkOptions } from '@heed/core/backend';
import { type ColorMap, type Scheme, checkColorMap } from './color.ts';
import { formatValue } from './format.ts';
import type { HeatmapPanels } from './heads.ts';
import { checkOneOf, checkTexts } from './options.ts';
import { viewsOf } from './picture.ts';
import { toSVG } from './svg/svg.ts';
import type { HeatmapView } from './view.ts';
import { element, escapeXML } from './svg/xml.ts';

/** Options of {@link toHTML}. */
export interface HTMLOptions {
  /** Title of the page. Default: that of the first picture. */
  readonly title?: string | undefined;
  /** Default `magma`. */
  readonly colorMap?: ColorMap | undefined;
  /** Default `auto`: light, or dark where the reader prefers it. */
  readonly theme?: Scheme | 'auto' | undefined;
}

/** Larger matrices have no table: nobody reads it, and it is slow to lay out. */
const LARGEST_TABLE = 4096;

const STYLE = {
  base: `body{margin:0 auto;padding:2rem 1rem;max-width:64rem;font:1rem/1.5 system-ui,sans-serif;
color:var(--text);background:var(--page)}h1{font-size:1.5rem;line-height:1.25;margin:0 0 1.5rem;overflow-wrap:anywhere}
figure{margin:0 0 2.5rem;overflow-x:auto}figcaption{margin:.75rem 0;color:var(--quiet);overflow-wrap:anywhere}
summary{cursor:pointer;padding:.5rem 0}summary:focus-visible,figure:focus-visible{outline:2px solid var(--mark);outline-offset:2px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.875rem}
th,td{padding:.25rem .5rem;text-align:right;border-bottom:1px solid var(--line)}th{font-weight:600}`,
  light:
    ':root{--page:#f6f5f8;--text:#1c1a24;--quiet:#5d5966;--line:#dcd9e2;--mark:#0b63ce;color-scheme:light}',
  dark: ':root{--page:#0f0d15;--text:#eeecf4;--quiet:#aaa6b5;--line:#34303e;--mark:#6cb3ff;color-scheme:dark}',
};

/**
 * Returns pictures as one HTML page without scripts or external resources: each with its description, and with
 * its numbers as a table, also for screen readers.
 *
 * @throws HeedError as {@link toSVG} does.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { heatmap, toHTML } from '@heed/heatmap';
 *
 * const view = heatmap(tensor(new Float32Array([0.25, 0.75]), [1, 2]), { columns: ['river', 'mud'] });
 * console.log(toHTML(view).includes('<script')); // false
 * ```
 */
export function toHTML(
  pictures: HeatmapView | HeatmapPanels | readonly (HeatmapView | HeatmapPanels)[],
  options: HTMLOptions = {},
): string {
  // Array.from() shows holes, which forEach() and map() skip.
  const all = Array.isArray(pictures)
    ? Array.from(pictures as readonly (HeatmapView | HeatmapPanels)[])
    : [pictures as HeatmapView | HeatmapPanels];
  for (const picture of all) viewsOf(picture);
  checkOptions('toHTML()', options, { title: true, colorMap: true, theme: true });
  const { colorMap = 'magma', theme = 'auto' } = options;
  checkTexts({ title: options.title });
  checkColorMap(colorMap);
  checkOneOf('theme', theme, ['light', 'dark', 'auto']);
  const title = escapeXML(options.title ?? all[0]?.title ?? 'Attention weights');
  const figures = all.map((picture, index) => figure(picture, { id: `picture-${index}`, colorMap, theme }));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${title}</title>
<style>${styleOf(theme)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${figures.join('\n')}
</main>
</body>
</html>
`;
}

function styleOf(theme: Scheme | 'auto'): string {
  if (theme !== 'auto') return STYLE[theme] + STYLE.base;
  return `${STYLE.light}@media(prefers-color-scheme:dark){${STYLE.dark}}${STYLE.base}`;
}

function figure(
  picture: HeatmapView | HeatmapPanels,
  options: { id: string; colorMap: ColorMap; theme: Scheme | 'auto' },
): string {
  const tables = viewsOf(picture)
    .filter(({ values }) => values.length > 0 && values.length <= LARGEST_TABLE)
    .map(table);
  const numbers =
    tables.length === 0 ? '' : element('details', {}, element('summary', {}, 'The numbers'), ...tables);
  return element(
    'figure',
    { tabindex: 0, role: 'group', 'aria-label': picture.title },
    toSVG(picture, options),
    element('figcaption', {}, escapeXML(picture.description)),
    numbers,
  );
}

function table(view: HeatmapView): string {
  const header = [`${view.axes.rows} ↓ ${view.axes.columns} →`, ...view.columns].map((label) =>
    element('th', { scope: 'col' }, escapeXML(label)),
  );
  const rows = view.rows.map((label, row) => {
    const start = row * view.columns.length;
    const values = Array.from(view.values.subarray(start, start + view.columns.length), formatValue);
    const cells = values.map((value) => element('td', {}, escapeXML(value)));
    return element('tr', {}, element('th', { scope: 'row' }, escapeXML(label)), ...cells);
  });
  return element(
    'table',
    {},
    element('caption', {}, escapeXML(view.title)),
    element('tr', {}, ...header),
    ...rows,
  );
}

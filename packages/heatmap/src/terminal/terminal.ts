import { HeedError } from '@heed/core';
import { checkOptions, shown } from '@heed/core/backend';
import { type ColorMap, checkColorMap, colorAt, positionIn } from '../color.ts';
import { formatCell, formatValue } from '../format.ts';
import type { HeatmapPanels } from '../heads.ts';
import { checkOneOf } from '../options.ts';
import { type TerminalColor, bold, dim, onColor } from './paint.ts';
import { scaledFor, viewsOf } from '../picture.ts';
import { alignLeft, alignRight, fitText, graphemesOf, visibleText, widthOf } from '../text.ts';
import type { HeatmapView } from '../view.ts';

/** Options of {@link toTerminal}. */
export interface TerminalOptions {
  /** Default `none`: shades of the characters ░▒▓█, without escape sequences. */
  readonly color?: TerminalColor | undefined;
  /** Width to fill at most, in columns: 20 or more. Default 80. */
  readonly columns?: number | undefined;
  /** Default `magma`. */
  readonly colorMap?: ColorMap | undefined;
}

const SHADES = [' ', '░', '▒', '▓', '█'];
const LONGEST_ROW_LABEL = 20;
const LONGEST_COLUMN_LABEL = 10;
const BLOCK = 2;

/** Style of the cells: with their numbers where they fit, else blocks of color. */
interface Cells {
  readonly width: number;
  readonly numbers: boolean;
}

/**
 * Draws a heatmap with characters. Cells show their numbers while the whole width allows it; wider matrices become
 * blocks of color, and still wider ones break into bands below one another. Labels are cut to fit,
 * control characters in them are shown as pictures, and wide characters count for two columns. Panels are below one
 * another.
 *
 * @returns lines without a final newline.
 * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { heatmap, toTerminal } from '@heed/heatmap';
 *
 * const view = heatmap(tensor(new Float32Array([0.25, 0.75]), [1, 2]), { columns: ['river', 'mud'] });
 * console.log(toTerminal(view).includes('.750')); // true
 * ```
 */
export function toTerminal(picture: HeatmapView | HeatmapPanels, options: TerminalOptions = {}): string {
  checkTerminalOptions(options);
  const views = viewsOf(picture);
  if (!('panels' in picture)) return oneHeatmap(picture, options);
  const title = bold(fitText(visibleText(picture.title), options.columns ?? 80), options.color ?? 'none');
  return [title, ...views.map((view) => oneHeatmap(view, options))].join('\n\n');
}

function checkTerminalOptions(options: TerminalOptions): void {
  checkOptions('toTerminal()', options, { color: true, columns: true, colorMap: true });
  const { color = 'none', columns = 80, colorMap = 'magma' } = options;
  checkOneOf('color', color, ['truecolor', '256', 'none']);
  checkColorMap(colorMap);
  if (Number.isInteger(columns)) return;
  throw new HeedError('ARGUMENT', `columns is ${shown(columns)}; expected a whole number`, {
    remedy: 'give the width of the terminal: 20 or more',
  });
}

function oneHeatmap(given: HeatmapView, options: TerminalOptions): string {
  const { color = 'none', columns: width = 80, colorMap = 'magma' } = options;
  const view = scaledFor(given, colorMap);
  const pen: Pen = { color, colorMap };
  const longest = Math.min(LONGEST_ROW_LABEL, Math.floor(width / 3));
  const rows = view.rows.map((label) => fitText(visibleText(label), longest));
  const labelWidth = rows.reduce((maximum, label) => Math.max(maximum, widthOf(label)), 0);
  const margin = labelWidth + 3;
  const cells = cellsFor(view, width - margin);
  const perBand = Math.max(1, Math.floor((width - margin) / cells.width));

  const lines = [bold(fitText(visibleText(view.title), width), color)];
  for (let first = 0; first < view.columns.length; first += perBand) {
    const band = { first, end: Math.min(view.columns.length, first + perBand) };
    lines.push('', ...columnLabels(view, cells, band).map((line) => ' '.repeat(margin) + line));
    rows.forEach((text, row) => {
      const label = alignRight(text, labelWidth);
      const start = view.highlight?.row === row ? bold(`▸ ${label}`, color) : `  ${label}`;
      lines.push(`${start} ${cellsOfRow(view, row, band, cells, pen)}`);
    });
  }
  if (view.values.length === 0) lines.push('', `no cells: ${view.rows.length} × ${view.columns.length}`);
  lines.push('', ' '.repeat(margin) + legend(view, pen, width - margin));
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** Columns side by side. */
interface Band {
  readonly first: number;
  readonly end: number;
}

interface Pen {
  readonly color: TerminalColor;
  readonly colorMap: ColorMap;
}

function cellsFor(view: HeatmapView, space: number): Cells {
  const count = Math.max(1, view.columns.length);
  // Two more than the number: brackets around a highlighted cell, a space around the others.
  const number = view.values.reduce((maximum, value) => Math.max(maximum, widthOf(formatCell(value))), 4) + 2;
  if (number * count > space) return { width: BLOCK, numbers: false };
  const label = view.columns.reduce(
    (maximum, text) => Math.max(maximum, widthOf(visibleText(text)) + 1),
    number,
  );
  return { width: Math.min(label, LONGEST_COLUMN_LABEL, Math.floor(space / count)), numbers: true };
}

/** Labels above the columns: in a line above numbers, written downwards above blocks. */
function columnLabels(view: HeatmapView, cells: Cells, { first, end }: Band): string[] {
  const labels = view.columns.slice(first, end).map(visibleText);
  if (cells.numbers)
    return [labels.map((label) => center(fitText(label, cells.width - 1), cells.width)).join('')];
  const letters = labels.map((label) => graphemesOf(label, LONGEST_COLUMN_LABEL));
  const height = letters.reduce((maximum, { length }) => Math.max(maximum, length), 0);
  return Array.from({ length: height }, (_, line) => {
    const letter = (label: string[]): string => label[line - height + label.length] ?? '';
    return letters.map((label) => alignLeft(fitText(letter(label), BLOCK), BLOCK)).join('');
  });
}

function cellsOfRow(view: HeatmapView, row: number, { first, end }: Band, cells: Cells, pen: Pen): string {
  const start = row * view.columns.length;
  const marked = view.highlight?.row === row ? view.highlight.column : null;
  return Array.from(view.values.subarray(start + first, start + end), (value, index) =>
    cell(view, value, first + index === marked, cells, pen),
  ).join('');
}

function cell(view: HeatmapView, value: number, marked: boolean, cells: Cells, pen: Pen): string {
  const position = positionIn(view.domain, value);
  const shade = shadeOf(position, pen.color);
  const number = marked ? `[${formatCell(value)}]` : ` ${formatCell(value)}${shade}`;
  const block = marked ? '[]' : (shade === ' ' && position === null ? '╱' : shade).repeat(BLOCK);
  const text = cells.numbers ? center(number, cells.width) : block;
  if (position === null) return dim(text, pen.color);
  const painted = onColor(text, colorAt(pen.colorMap, position, 'dark'), pen.color);
  return marked ? bold(painted, pen.color) : painted;
}

/** Returns the shade beside a number, without colors; a value that is not a number has none. */
function shadeOf(position: number | null, color: TerminalColor): string {
  if (position === null || color !== 'none') return ' ';
  return SHADES[Math.min(SHADES.length - 1, Math.floor(position * SHADES.length))]!;
}

function legend(view: HeatmapView, pen: Pen, space: number): string {
  const [low, high] = view.domain.map(formatValue) as [string, string];
  const maximum = pen.color === 'none' ? SHADES.length : 20;
  const steps = Math.max(2, Math.min(maximum, space - widthOf(low + high) - 2));
  const bar = Array.from({ length: steps }, (_, step) => {
    const position = step / (steps - 1);
    return onColor(shadeOf(position, pen.color), colorAt(pen.colorMap, position, 'dark'), pen.color);
  });
  return `${low} ${bar.join('')} ${high}`;
}

function center(text: string, width: number): string {
  const left = Math.floor(Math.max(0, width - widthOf(text)) / 2);
  return ' '.repeat(left) + alignLeft(text, width - left);
}

import type { SeriesStyle } from './palette.ts';

/** A line: a name, and its points from left to right. All numbers are greater than 0. */
export interface Line {
  readonly name: string;
  readonly style: SeriesStyle;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Options of {@link lineChart}. */
export interface LineChartOptions {
  /** Description for readers who do not see the picture. */
  readonly label: string;
  /** Width of the picture, in pixels. */
  readonly width: number;
  /** Height of the picture, in pixels. */
  readonly height: number;
  /** Place of the lines' names: a legend on the right, or the end of each line. */
  readonly names: 'legend' | 'ends';
  /** Text below the x axis. */
  readonly xTitle: string;
  /** Text of a value on the y axis. */
  readonly yTick: (value: number) => string;
}

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const FONT_SIZE = 13;
/** Pixels between the baselines of two names. */
const NAME_HEIGHT = 22;
const MARGIN = { left: 64, top: 16, bottom: 52 };
const RIGHT = { legend: 262, ends: 120 };

/**
 * Lines over a common x, both axes logarithmic, as an SVG whose colors are the custom properties of
 * {@link chartStyle}. There is at least one line, and each has at least one point.
 */
export function lineChart(lines: readonly Line[], options: LineChartOptions): string {
  const { width, height } = options;
  const right = width - RIGHT[options.names];
  const bottom = height - MARGIN.bottom;
  const positions = [...new Set(lines.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const values = lines.flatMap(({ points }) => points.map(([, y]) => y));
  const x = logScale([positions[0]!, positions.at(-1)!], [MARGIN.left, right]);
  const range = roundRange(values);
  const y = logScale(range, [bottom, MARGIN.top]);
  // Thick lines are drawn last: they stay visible where lines cross.
  const byWidth = lines.toSorted((a, b) => a.style.width - b.style.width);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" `,
    `role="img" aria-label="${escape(options.label)}" font-family="${FONT}" font-size="${FONT_SIZE}">`,
    ...ticksOf(range).map(
      (value) =>
        stroke(`M${MARGIN.left} ${y(value)}H${right}`, 'var(--chart-line)', 1) +
        text([MARGIN.left - 8, y(value)], options.yTick(value), 'end'),
    ),
    stroke(`M${MARGIN.left} ${bottom}H${right}`, 'var(--chart-line)', 1),
    ...readable(positions, x).map((position) => text([x(position), bottom + 16], `${position}`, 'middle')),
    text([(MARGIN.left + right) / 2, bottom + 39], options.xTitle, 'middle'),
    ...byWidth.map((line) => lineOf(line, x, y)),
    ...(options.names === 'legend' ? legend(lines, right + 16) : endNames(lines, x, y)),
    '</svg>',
  ].join('');
}

function lineOf({ style, points }: Line, x: LogScale, y: LogScale): string {
  const places = points.map(([one, other]): Place => [x(one), y(other)]);
  const line = stroke(
    `M${places.map((place) => place.join(' ')).join('L')}`,
    style.color,
    style.width,
    style.dash,
  );
  return line + places.map((place) => symbol(place, style)).join('');
}

function legend(lines: readonly Line[], left: number): string[] {
  return lines.map(({ name, style }, index) => {
    const middle = MARGIN.top + NAME_HEIGHT * index;
    const sample = stroke(`M${left} ${middle}h26`, style.color, style.width, style.dash);
    return (
      sample +
      symbol([left + 13, middle], style) +
      text([left + 32, middle], name, 'start', 'var(--chart-ink)')
    );
  });
}

/** Names beside the last points, from top to bottom, moved down where they would overlap. */
function endNames(lines: readonly Line[], x: LogScale, y: LogScale): string[] {
  let free = -Infinity;
  return lines
    .map(({ name, style, points }) => ({ name, style, last: points.at(-1)! }))
    .sort((a, b) => b.last[1] - a.last[1])
    .map(({ name, style, last }) => {
      const middle = Math.max(y(last[1]), free);
      free = middle + NAME_HEIGHT - 4;
      return text([x(last[0]) + 10, middle], name, 'start', style.color, 600);
    });
}

type Place = readonly [x: number, y: number];

function stroke(path: string, color: string, width: number, dash: SeriesStyle['dash'] = 'solid'): string {
  const dashes = dash === 'solid' ? '' : ` stroke-dasharray="${dash.join(' ')}"`;
  return `<path d="${path}" fill="none" stroke="${color}" stroke-width="${width}" stroke-linejoin="round"${dashes}/>`;
}

/** Paths of symbols in a square from −1 to 1, moved by the transformation. */
const SYMBOLS: Readonly<Record<Exclude<SeriesStyle['symbol'], 'none'>, string>> = {
  circle: 'M-1 0a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z',
  rect: 'M-1 -1H1V1H-1z',
  triangle: 'M0 -1L1 1H-1z',
  diamond: 'M0 -1L1 0L0 1L-1 0z',
};

function symbol([x, y]: Place, { symbol: name, color, width }: SeriesStyle): string {
  if (name === 'none') return '';
  const radius = width > 2 ? 4.5 : 3.5;
  return `<path d="${SYMBOLS[name]}" transform="translate(${x} ${y}) scale(${radius})" fill="${color}"/>`;
}

function text(
  [x, y]: Place,
  content: string,
  anchor: 'start' | 'middle' | 'end',
  color = 'var(--chart-quiet)',
  weight = 400,
): string {
  const style = `text-anchor="${anchor}" dominant-baseline="central" fill="${color}"`;
  const bold = weight === 400 ? '' : ` font-weight="${weight}"`;
  return `<text x="${x}" y="${y}" ${style}${bold}>${escape(content)}</text>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escape(content: string): string {
  return content.replaceAll(/[&<>"]/g, (character) => ENTITIES[character]!);
}

/** Positions whose labels have room: from the right, where the longest sequences are. */
function readable(positions: readonly number[], x: LogScale): number[] {
  let free = Infinity;
  return positions.toReversed().filter((position) => {
    const half = (`${position}`.length * FONT_SIZE) / 3 + 3;
    if (x(position) + half > free) return false;
    free = x(position) - half;
    return true;
  });
}

/** Numbers at the edges: the next of 1, 2, 5, 10, 20, 50 … below all values, and above. */
function roundRange(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [below, above] = [low, high].map((value) => 10 ** Math.floor(Math.log10(value))) as [number, number];
  const from = below * [5, 2, 1].find((digit) => digit * below <= low)!;
  const to = above * [1, 2, 5, 10].find((digit) => digit * above >= high)!;
  return from < to ? [from, to] : [from / 2, to * 2];
}

/** Powers of ten in a range; 1, 2 and 5 times them where there are few. */
function ticksOf([low, high]: readonly [number, number]): number[] {
  const digits = high / low > 200 ? [1] : [1, 2, 5];
  const first = Math.floor(Math.log10(low));
  const powers = Array.from(
    { length: Math.ceil(Math.log10(high)) - first + 1 },
    (_, index) => 10 ** (first + index),
  );
  return powers
    .flatMap((power) => digits.map((digit) => Number((digit * power).toPrecision(1))))
    .filter((value) => value >= low * 0.999 && value <= high * 1.001);
}

/** Place in pixels of a value on a logarithmic axis. */
type LogScale = (value: number) => number;

function logScale([low, high]: readonly [number, number], [from, to]: readonly [number, number]): LogScale {
  const span = Math.log(high / low) || 1;
  return (value) => Math.round(10 * (from + ((to - from) * Math.log(value / low)) / span)) / 10;
}

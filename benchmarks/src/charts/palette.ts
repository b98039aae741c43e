/** Look of one contestant, the same in every chart of a page. */
export interface SeriesStyle {
  /** A custom property of {@link chartStyle}. */
  readonly color: string;
  readonly width: number;
  readonly dash: 'solid' | readonly [number, number];
  readonly symbol: (typeof SYMBOLS)[number] | 'none';
}

/** Hues that can be told apart on white and on black. Heed's backends have the first ones. */
const LIGHT = [
  '#d6246e',
  '#0b63ce',
  '#e07800',
  '#7a3ee0',
  '#1f8a4c',
  '#0e8a94',
  '#9a6a00',
  '#b3402a',
  '#5468a8',
  '#6b8e00',
  '#8a5a8f',
  '#417a9e',
];
const DARK = [
  '#ff7ab2',
  '#6cb3ff',
  '#ffb057',
  '#b79bff',
  '#57c78a',
  '#4fd0d8',
  '#dcbb5c',
  '#f08a74',
  '#9db0f0',
  '#b8d04f',
  '#d3a3da',
  '#86c3e6',
];
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond'] as const;

/** Gray, for the plain baseline. */
const BASELINE: SeriesStyle = { color: 'var(--chart-quiet)', width: 1.5, dash: [2, 3], symbol: 'circle' };

/** Custom properties with the colors of charts: light, or dark where the reader prefers it. */
export const chartStyle: string = `
:root { --chart-ink: #1c1a24; --chart-quiet: #66626f; --chart-line: #e4e1ea; --chart-page: #ffffff; ${properties(LIGHT)} }
@media (prefers-color-scheme: dark) {
  :root { --chart-ink: #eeecf4; --chart-quiet: #a09cab; --chart-line: #2b2836; --chart-page: #15131c; ${properties(DARK)} }
}`;

function properties(colors: readonly string[]): string {
  return colors.map((color, index) => `--chart-${index}: ${color};`).join(' ');
}

/** The style of a limit, which is not a contestant: a thin dashed line without symbols. */
export const LIMIT: SeriesStyle = { color: 'var(--chart-ink)', width: 1, dash: [5, 3], symbol: 'none' };

/** The style of each contestant: Heed's backends in thick lines, peers in thin ones, the baseline in gray. */
export function stylesOf(contestants: readonly string[], baseline: string): Map<string, SeriesStyle> {
  const others = contestants.filter((name) => name !== baseline);
  const ordered = [...others.filter(isHeeds), ...others.filter((name) => !isHeeds(name))];
  const styles = ordered.map((name, index): [string, SeriesStyle] => [
    name,
    {
      color: `var(--chart-${index % LIGHT.length})`,
      width: isHeeds(name) ? 3.5 : 1.75,
      dash: index < LIGHT.length ? 'solid' : [6, 3],
      symbol: SYMBOLS[index % SYMBOLS.length]!,
    },
  ]);
  return new Map([...styles, [baseline, BASELINE]]);
}

/** Returns whether a contestant is a backend of Heed's own. */
export function isHeeds(contestant: string): boolean {
  return contestant.startsWith('@heed/');
}

/** A contestant's name where space is short: `Heed wasm`, `tfjs-backend-cpu`. */
export function shortName(contestant: string): string {
  return contestant
    .replace(/^@heed\/(backend-)?/, 'Heed ')
    .replace(/^@tensorflow\//, '')
    .replace(/^@jax-js\/jax$/, 'jax-js')
    .replace(/^onnxruntime-node MultiHeadAttention$/, 'onnxruntime-node MHA')
    .replace(/^onnxruntime-node Attention$/, 'onnxruntime-node');
}

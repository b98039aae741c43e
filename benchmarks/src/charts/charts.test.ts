import { describe, expect, test } from 'vitest';
import { sampleResults } from '../test/sample-results.ts';
import { lengthChart } from './length-chart.ts';
import { lineChart } from './line-chart.ts';
import { chartStyle, shortName, stylesOf } from './palette.ts';

const results = sampleResults();

describe.each(['time', 'speed', 'memory'] as const)('the chart of %s', (figure) => {
  const svg = lengthChart(results, { figure, causal: false })!;

  test('has a line and a name for everyone who was measured', () => {
    for (const name of ['triple loop', 'Heed ts', 'Heed wasm', 'PyTorch', 'tfjs-backend-cpu']) {
      expect(svg).toContain(`>${name}</text>`);
    }
    expect(svg).not.toMatch(/>absent<|>wrong</);
    expect(svg).toContain('>sequence length N</text>');
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  test('takes its colors from the page', () => {
    const used = new Set(svg.match(/var\(--chart-[\w-]+\)/g));
    expect(used.size).toBeGreaterThan(6);
    for (const color of used) expect(chartStyle).toContain(`${color.slice(4, -1)}:`);
  });
});

test('lines in both charts are of one color for each contestant, and none has that of another', () => {
  const names = ['triple loop', 'PyTorch', '@heed/backend-ts', '@heed/backend-wasm'];
  const styles = stylesOf(names, 'triple loop');
  expect(new Set(Array.from(styles.values(), ({ color }) => color)).size).toBe(4);
  expect(styles.get('@heed/backend-ts')!.width).toBeGreaterThan(styles.get('PyTorch')!.width);
});

test('there is no chart of one length', () => {
  expect(lengthChart(sampleResults({ lengths: [128] }), { figure: 'time', causal: false })).toBeNull();
  expect(lengthChart({ ...results, rows: [] }, { figure: 'time', causal: false })).toBeNull();
});

test.each([
  ['@heed/backend-wasm', 'Heed wasm'],
  ['@heed/core/reference', 'Heed core/reference'],
  ['@tensorflow/tfjs-node', 'tfjs-node'],
  ['onnxruntime-node MultiHeadAttention', 'onnxruntime-node MHA'],
  ['./mine.js', './mine.js'],
])('%s is %s for short', (name, short) => {
  expect(shortName(name)).toBe(short);
});

describe('lines', () => {
  const style = stylesOf(['a'], 'b').get('a')!;
  const options = { label: '<"l">', width: 480, height: 300, xTitle: '<x>', yTick: String } as const;
  const numbers = (svg: string): number[] =>
    [...svg.matchAll(/<(?:text x|text x="[\d.]+" y|path d)="([^"]*)"/g)].flatMap(([, text]) =>
      text!.match(/-?[\d.]+/g)!.map(Number),
    );

  test.each(['legend', 'ends'] as const)(
    'with names by %s keep every text a text, and stay inside',
    (names) => {
      const svg = lineChart(
        [
          { name: '<script>', style, points: [[1, 0.003]] },
          {
            name: 'b',
            style,
            points: [
              [1, 0.003],
              [4096, 0.0031],
            ],
          },
        ],
        { ...options, names },
      );
      expect(svg).not.toMatch(/<script|<x>|<"|NaN|Infinity/);
      expect(svg).toContain('>&lt;script&gt;</text>');
      expect(Math.max(...numbers(svg))).toBeLessThanOrEqual(480);
    },
  );

  test('that end together have names one below the other', () => {
    const lines = ['a', 'b', 'c'].map((name) => ({
      name,
      style,
      points: [[2, 5] as const, [4, 7] as const],
    }));
    const svg = lineChart(lines, { ...options, names: 'ends' });
    const heights = [...svg.matchAll(/ y="([\d.]+)"[^>]*>[abc]</g)].map(([, y]) => Number(y));
    expect(heights).toHaveLength(3);
    for (const [index, height] of heights.slice(1).entries())
      expect(height - heights[index]!).toBeGreaterThan(13);
  });

  test('of one value have an axis around it', () => {
    const svg = lineChart(
      [
        {
          name: 'a',
          style,
          points: [
            [8, 10],
            [16, 10],
          ],
        },
      ],
      { ...options, names: 'ends' },
    );
    expect(svg).toMatch(/>5<\/text>[\s\S]*>10<\/text>[\s\S]*>20<\/text>/);
  });
});

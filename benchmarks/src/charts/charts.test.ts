import { describe, expect, test } from 'vitest';
import { sampleResults } from '../results/sample-results.test.helper.ts';
import { lengthChart } from './length-chart.ts';
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

  test('takes its colours from the page', () => {
    const used = new Set(svg.match(/var\(--chart-[\w-]+\)/g));
    expect(used.size).toBeGreaterThan(6);
    for (const color of used) expect(chartStyle).toContain(`${color.slice(4, -1)}:`);
  });
});

test('lines in both charts are of one colour for each contestant, and none has that of another', () => {
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

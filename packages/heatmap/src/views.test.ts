import { loadCapture } from '@heed/conformance';
import { HeedError, type Tensor, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import {
  allHeads,
  heatmap,
  meanOverHeads,
  overAudio,
  overImage,
  rollout,
  shrink,
  toHTML,
  toSVG,
  toTerminal,
} from './index.ts';

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    if (HeedError.isInstance(error)) return error.code;
    throw error;
  }
};

const layer = tensor(new Float32Array([1, 0, 0.5, 0.5, 0.25, 0.75, 0, 1]), [1, 2, 2, 2]);

describe('all heads of a layer', () => {
  test('are panels with one scale', () => {
    const { panels } = allHeads(layer, { rows: ['a', 'b'] });
    expect(panels.map(({ title }) => title)).toEqual(['Head 0', 'Head 1']);
    expect(panels.map(({ domain }) => domain)).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect([...panels[1]!.values]).toEqual([0.25, 0.75, 0, 1]);
  });

  test('are drawn with the names of all cells, in the terminal below one another', () => {
    const picture = allHeads(layer, { title: 'Layer <0>', rows: ['a', '<b>'], columns: ['c', 'd'] });
    const svg = toSVG(picture);
    expect(svg.match(/<title>[^<]*→[^<]*<\/title>/g)).toHaveLength(8);
    expect(svg).toContain('Layer &lt;0&gt;');
    expect(svg).not.toContain('<b>');
    expect(toTerminal(picture)).toMatch(/^Layer <0>[\s\S]*Head 0[\s\S]*Head 1/);
  });
});

test('the mean of the heads', () => {
  const mean = meanOverHeads(layer);
  expect(mean.shape).toEqual([1, 1, 2, 2]);
  expect([...mean.data]).toEqual([0.625, 0.375, 0.25, 0.75]);
});

describe('rollout', () => {
  test('two layers by hand: each is (W + I) / 2, and they are multiplied', () => {
    const a = tensor(new Float64Array([0, 1, 0.5, 0.5]), [2, 2]); // with itself: [½ ½; ¼ ¾]
    const b = tensor(new Float64Array([1, 0, 1, 0]), [2, 2]); // with itself: [1 0; ½ ½]
    expect([...rollout([a, b]).data]).toEqual([0.5, 0.5, 0.375, 0.625]);
  });

  test('rows of a real model sum to 1', async () => {
    const { tokens, layers } = await loadCapture('bank-river');
    const { data } = rollout(layers.map(({ weights }) => weights!));
    tokens.forEach((_, i) => {
      const row = data.subarray(i * tokens.length, (i + 1) * tokens.length);
      expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
    });
  });

  test('of a batch is that of each of its elements', () => {
    const layers = [layer, tensor(new Float32Array([0, 1, 1, 0, 0.5, 0.5, 0.25, 0.75]), [1, 2, 2, 2])];
    const others = [layers[1]!, layer];
    const both = layers.map(({ data }, n) =>
      tensor(Float32Array.from([...data, ...others[n]!.data]), [2, 2, 2, 2]),
    );
    expect([...rollout(both).data]).toEqual([...rollout(layers).data, ...rollout(others).data]);
    expect([...rollout(layers).data]).not.toEqual([...rollout(others).data]);
  });

  test('a row that attends to nothing stays what it is', () => {
    expect([...rollout([tensor(new Float64Array([0, 0, 0, 1]), [2, 2])]).data]).toEqual([1, 0, 0, 1]);
  });

  test('wants square layers of one size', () => {
    expect(codeOf(() => rollout([]))).toBe('ARGUMENT');
    expect(codeOf(() => rollout([tensor(new Float64Array(2), [1, 2])]))).toBe('SHAPE');
    const small = tensor(new Float64Array(1), [1, 1]);
    expect(codeOf(() => rollout([layer, small]))).toBe('SHAPE');
  });
});

describe('over an image', () => {
  const weights = tensor(new Float32Array([9, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 0]), [2, 7]);
  const pixel = 'data:image/png;base64,iVBORw0KGgo=';

  test('one query over its patches', () => {
    const view = overImage(weights, { query: 0, grid: [2, 3], skip: 1, image: pixel });
    expect([...view.values]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(view.description).toContain('row 1, column 2, 6.00');
    expect(toSVG(view)).toContain(`href="${pixel}"`);
  });

  test('weights whose places have the axes of the grid, as those of SpatialAttention', () => {
    const data = Float32Array.from({ length: 72 }, (_, n) => n);
    const learned = tensor(data.slice(0, 24), [1, 2, 2, 2, 3]); // two learned queries
    const options = { query: 1, head: 1, grid: [2, 3] } as const;
    expect([...overImage(learned, options).values]).toEqual([18, 19, 20, 21, 22, 23]);
    const places = tensor(data, [1, 2, 2, 3, 2, 3]);
    expect([...overImage(places, options).values]).toEqual([42, 43, 44, 45, 46, 47]);
    expect(codeOf(() => overImage(places, { ...options, grid: [3, 2] }))).toBe('SHAPE');
  });

  test('what does not fit is refused, and an image from elsewhere', () => {
    expect(codeOf(() => overImage(weights, { query: 2, grid: [2, 3] }))).toBe('ARGUMENT');
    expect(codeOf(() => overImage(weights, { query: 0, grid: [3, 3] }))).toBe('ARGUMENT');
    expect(codeOf(() => overImage(weights, { query: 0, grid: [2, 3], skip: 2 }))).toBe('ARGUMENT');
    // A class token that nobody mentions would move every patch by one.
    expect(codeOf(() => overImage(weights, { query: 0, grid: [2, 3] }))).toBe('ARGUMENT');
    for (const image of ['https://x.test/a.png', 'data:image/svg+xml;base64,AAAA', `${pixel}" onload="x`]) {
      expect(codeOf(() => overImage(weights, { query: 0, grid: [2, 3], skip: 1, image }))).toBe('ARGUMENT');
    }
  });
});

describe('over a sound', () => {
  const weights = tensor(new Float32Array([0.1, 0.2, 0.3, 0.4]), [1, 4]);

  test('columns are times, and the loudness of each frame stands below', () => {
    const samples = Float32Array.from({ length: 8 }, (_, n) => (n < 4 ? 0 : n < 6 ? 0.25 : -0.5));
    const view = overAudio(weights, { secondsPerFrame: 20, samples });
    expect(view.columns).toEqual(['0:00.0', '0:20.0', '0:40.0', '1:00.0']);
    expect([...view.signal!]).toEqual([0, 0, 0.5, 1]);
    expect(toSVG(view)).toContain('<path');
  });

  test('silence is silence', () => {
    const view = overAudio(weights, { secondsPerFrame: 1, samples: new Float32Array(3) });
    expect([...view.signal!]).toEqual([0, 0, 0, 0]);
  });

  test('a frame takes time', () => {
    for (const secondsPerFrame of [0, -1, NaN, Infinity]) {
      expect(codeOf(() => overAudio(weights, { secondsPerFrame }))).toBe('ARGUMENT');
    }
  });
});

test('a robust domain does not heed the few that are far out', () => {
  const data = Float64Array.from({ length: 400 }, (_, n) => (n === 0 ? 1 : n < 200 ? 0.01 : 0));
  const weights: Tensor = tensor(data, [20, 20]);
  expect(heatmap(weights, { domain: 'robust' }).domain).toEqual([0, 0.01]);
  expect(heatmap(weights).domain).toEqual([0, 1]);
  expect(heatmap(tensor(new Float64Array([-3, 0]), [1, 2]), { domain: 'robust' }).domain).toEqual([-3, 0]);
  expect(heatmap(tensor(new Float64Array(1), [1, 1]), { domain: 'robust' }).domain).toEqual([0, 1]);
});

test('a shrunk view keeps the largest, the labels, the highlight and what is not a number', () => {
  const values = Float64Array.from([-5, -3, 1, 2, NaN, 0, 7, 8]);
  const columns = ['a', 'b', 'c', 'd'];
  const view = heatmap(tensor(values, [2, 4]), { columns, highlight: { row: 1, column: 2 } });
  const small = shrink(view, 2);
  expect(small.columns).toEqual(['a–b', 'c–d']);
  expect([...small.values]).toEqual([-3, 2, NaN, 8]);
  expect(small.highlight).toEqual({ row: 1, column: 1 });
  expect(shrink(view, 4)).toBe(view);
});

describe('a page', () => {
  const hostile = '<script>alert(1)</script>"><img src=x onerror=alert(1)>';
  const view = heatmap(tensor(new Float32Array([0.25, NaN]), [1, 2]), {
    rows: [hostile],
    columns: [hostile, 'שלום'],
    title: hostile,
    description: hostile,
  });

  test('asks for nothing, runs nothing, and keeps labels as text', () => {
    const page = toHTML([view, allHeads(layer)], { title: hostile });
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<(script|img|link|iframe)\b/i);
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:/);
    expect(page).toContain('&lt;script&gt;');
  });

  test('has the numbers as a table, and no id twice', () => {
    const page = toHTML([view, allHeads(layer)]);
    expect(page).toMatch(/<td>0\.250<\/td><td>NaN<\/td>/);
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('a fixed theme is fixed', () => {
    expect(toHTML(view, { theme: 'dark' })).not.toContain('prefers-color-scheme');
    expect(toHTML(view)).toContain('prefers-color-scheme');
  });

  test('large matrices have no table', () => {
    const large = heatmap(tensor(new Float32Array(65 * 64), [65, 64]));
    expect(toHTML(large)).not.toContain('<table');
  });
});

describe('nested arrays and { data, shape } are weights too', () => {
  const rows = [
    [1, 0],
    [0.25, 0.75],
  ];
  const given = [rows, { data: Float64Array.from(rows.flat()), shape: [2, 2] }] as const;
  const whole = tensor(Float64Array.from(rows.flat()), [2, 2]);
  test.each(given)('%j', (weights) => {
    expect(heatmap(weights)).toEqual(heatmap(whole));
    expect(allHeads(weights)).toEqual(allHeads(whole));
    expect(rollout([weights, weights])).toEqual(rollout([whole, whole]));
    expect(overImage(weights, { query: 1, grid: [1, 2] })).toEqual(
      overImage(whole, { query: 1, grid: [1, 2] }),
    );
    expect(overAudio(weights, { secondsPerFrame: 1 })).toEqual(overAudio(whole, { secondsPerFrame: 1 }));
  });
});

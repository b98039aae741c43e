import { HeedError, type Tensor, cast, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { type HeatmapOptions, heatmap, meanOverHeads, rollout } from './index.ts';

const codeOf = (weights: Tensor, options?: HeatmapOptions): string | undefined => {
  try {
    heatmap(weights, options);
  } catch (error) {
    if (HeedError.isInstance(error)) return error.code;
    throw error;
  }
};

// B = 2, Hq = 3, Lq = 2, Lk = 2; element (b, h, i, j) is its own index.
const all = tensor(
  Float32Array.from({ length: 24 }, (_, index) => index),
  [2, 3, 2, 2],
);
const one = tensor(new Float32Array([0.25, 0.75]), [1, 2]);

describe('which matrix is shown', () => {
  test.each(['float16', 'bfloat16'] as const)('%s is shown by its numbers, not its bits', (dtype) => {
    const half = cast(all, dtype);
    expect([...heatmap(half, { batch: 1, head: 2 }).values]).toEqual([20, 21, 22, 23]);
    expect([...meanOverHeads(half).data]).toEqual([...meanOverHeads(all).data]);
    expect([...rollout([half]).data]).toEqual([...rollout([all]).data]);
  });

  test('the chosen head of the chosen batch element', () => {
    expect([...heatmap(all, { batch: 1, head: 2 }).values]).toEqual([20, 21, 22, 23]);
    expect([...heatmap(all, { batch: 0, head: 1 }).values]).toEqual([4, 5, 6, 7]);
  });

  test('a head is never guessed', () => {
    expect(codeOf(all, { batch: 0 })).toBe('ARGUMENT');
    expect(codeOf(all, { head: 0 })).toBe('ARGUMENT');
    expect(codeOf(all, { batch: 0, head: 3 })).toBe('ARGUMENT');
    expect(codeOf(all, { batch: -1, head: 0 })).toBe('ARGUMENT');
    expect(codeOf(all, { batch: 0, head: 0.5 })).toBe('ARGUMENT');
    expect(codeOf(one, { head: 1 })).toBe('ARGUMENT');
  });

  test('the only head need not be named', () => {
    expect([...heatmap(tensor(one.data, [1, 1, 1, 2])).values]).toEqual([0.25, 0.75]);
  });

  test('the view keeps no memory of the weights', () => {
    const weights = tensor(new Float32Array([0.5]), [1, 1]);
    const view = heatmap(weights);
    weights.data[0] = 1;
    expect(view.values[0]).toBe(0.5);
    expect(structuredClone(view)).toEqual(view);
  });

  test('masks and float64 are shown, other shapes are not', () => {
    expect([...heatmap(tensor(new Uint8Array([1, 0]), [1, 2])).values]).toEqual([1, 0]);
    expect(codeOf(tensor(new Float32Array(2), [2]))).toBe('SHAPE');
    expect(codeOf(tensor(new Float32Array(2), [1, 1, 2]))).toBe('SHAPE');
    expect(codeOf(undefined as unknown as Tensor)).toBe('SHAPE');
    expect(codeOf({ dtype: 'float32', shape: [3, 3], data: new Float32Array(2) })).toBe('SHAPE');
    expect(codeOf({ dtype: 'float32', shape: [1, 2], data: [1, 2] as unknown as Float32Array })).toBe(
      'DTYPE',
    );
  });

  test('no queries or no keys are legal', () => {
    expect(heatmap(tensor(new Float32Array(0), [0, 3])).columns).toHaveLength(3);
    expect(heatmap(tensor(new Float32Array(0), [3, 0])).values).toHaveLength(0);
  });
});

describe('labels, domain and highlight', () => {
  test('labels default to indices, and must be as many as there are rows and columns', () => {
    expect(heatmap(one).columns).toEqual(['0', '1']);
    expect(codeOf(one, { columns: ['only'] })).toBe('SHAPE');
    expect(codeOf(one, { rows: [] })).toBe('SHAPE');
  });

  test('the domain reaches from 0 to the largest number, and passes over what is not finite', () => {
    expect(heatmap(one).domain).toEqual([0, 0.75]);
    expect(heatmap(tensor(new Float64Array([NaN, Infinity, -2, 3]), [1, 4])).domain).toEqual([-2, 3]);
    expect(heatmap(tensor(new Float32Array([NaN, 0]), [1, 2])).domain).toEqual([0, 1]);
    expect(heatmap(one, { domain: [0, 1] }).domain).toEqual([0, 1]);
    expect(codeOf(one, { domain: [1, 1] })).toBe('ARGUMENT');
    expect(codeOf(one, { domain: [0, Infinity] })).toBe('ARGUMENT');
  });

  test('a highlight must be there', () => {
    expect(heatmap(one, { highlight: { row: 0 } }).highlight).toEqual({ row: 0, column: null });
    expect(codeOf(one, { highlight: { row: 1 } })).toBe('ARGUMENT');
    expect(codeOf(one, { highlight: { row: 0, column: 2 } })).toBe('ARGUMENT');
  });

  test('axes that are not queries and keys are named, in the description as well', () => {
    const view = heatmap(one, { axes: { rows: 'layer', columns: 'head' } });
    expect(view.axes).toEqual({ rows: 'layer', columns: 'head' });
    expect(view.description).toBe('1 rows (layer) over 2 columns (head). Largest: 0 → 1, 0.750.');
    expect(heatmap(one, { axes: { columns: 'position' } }).axes).toEqual({
      rows: 'query',
      columns: 'position',
    });
    expect(heatmap(one, { axes: undefined }).axes).toEqual({ rows: 'query', columns: 'key' });
    expect(codeOf(one, { axes: { rows: 3 as never } })).toBe('ARGUMENT');
    expect(codeOf(one, { axes: { row: 'layer' } as never })).toBe('UNKNOWN_OPTION');
  });

  test('the description names the largest weight', () => {
    const view = heatmap(one, { rows: ['bank'], columns: ['mud', 'river'] });
    expect(view.description).toBe('1 queries (rows) over 2 keys (columns). Largest: bank → river, 0.750.');
  });
});

import { resolveRequest } from '@heed/core';
import { visibleKeys } from '@heed/core/backend';
import { describe, expect, test } from 'vitest';
import { attendedPairs, usefulFlops } from './pairs.ts';
import { outputGradientOf, requestOf } from './request.ts';
import { type Workload, minilmWorkload, workload } from './workload.ts';

/** Counts as the specification does, pair by pair. */
async function flopsByCounting(of: Workload): Promise<number> {
  const { problem, inputs } = resolveRequest(await requestOf(of));
  const { first, end } = visibleKeys(problem, inputs);
  let flops = 0;
  for (let b = 0; b < of.batch; b++) {
    for (let i = 0; i < of.queryLength; i++) {
      for (let j = first(b, i); j < end(b, i); j++) flops += 2 * of.heads * (of.headDim + of.valueDim);
    }
  }
  return flops;
}

describe('useful operations', () => {
  test('4 · pairs · D', () => {
    expect(usefulFlops(workload({ length: 512 }))).toBe(4 * 12 * 512 * 512 * 64);
    expect(usefulFlops(workload({ length: 5, heads: 1, headDim: 2, causal: true }))).toBe(4 * 15 * 2);
    expect(usefulFlops(workload({ length: 5, heads: 1, headDim: 2, valueDim: 3 }))).toBe(2 * 25 * 5);
  });

  test('gradients cost 3.5 times as much, a mask takes away what it excludes', () => {
    const dense = usefulFlops(workload({ length: 64 }));
    expect(usefulFlops(workload({ length: 64, gradient: true }))).toBe(3.5 * dense);
    const masked = usefulFlops(workload({ length: 64, mask: true })) / dense;
    expect(masked).toBeGreaterThan(0.7);
    expect(masked).toBeLessThan(0.8);
  });

  test.each([
    workload({ length: 33, heads: 2, causal: true }),
    workload({ length: 33, heads: 2, batch: 3, window: { left: 4, right: 0 } }),
    workload({ length: 33, heads: 2, window: { left: null, right: 7 } }),
    workload({ length: 33, heads: 2, window: { left: 5, right: 9 }, causal: true }),
    workload({ length: 40, queryLength: 3, causal: true }),
    workload({ length: 40, queryLength: 3, causal: true, alignment: 'topLeft' }),
    workload({ length: 3, queryLength: 40, heads: 1, window: { left: 2, right: 2 } }),
    workload({ length: 3, queryLength: 40, heads: 1, causal: true, alignment: 'bottomRight' }),
  ])('$name counts the pairs that the specification counts', async (of) => {
    expect(usefulFlops(of)).toBe(await flopsByCounting(of));
    const pairs = attendedPairs(of)!.reduce((sum, pair) => sum + pair, 0);
    expect(2 * pairs * of.batch * of.heads * (of.headDim + of.valueDim)).toBe(usefulFlops(of));
  });
});

describe('names', () => {
  test.each([
    [workload({ length: 512 }), 'dense/512'],
    [workload({ length: 2048, heads: 1, causal: true }), 'causal/2048/h1'],
    [workload({ length: 8192, heads: 1, window: { left: 256, right: 256 } }), 'window-256/8192/h1'],
    [workload({ length: 64, window: { left: 8, right: null } }), 'window-8-all/64'],
    [workload({ length: 64, queryLength: 1, kvHeads: 4, causal: true }), 'decode/64/kv4'],
    [workload({ length: 64, queryLength: 1 }), 'dense/1x64'],
    [workload({ length: 64, causal: true, gradient: true }), 'gradient-causal/64'],
    [workload({ length: 64, causal: true, window: { left: 8, right: null } }), 'causal-window-8-all/64'],
    [workload({ length: 64, mask: true }), 'mask/64'],
    [minilmWorkload(5), 'minilm-layer-5'],
    [workload({ length: 64, batch: 2, headDim: 32, valueDim: 16, seed: 7 }), 'dense/64/b2/d32/dv16/seed7'],
    [workload({ length: 64, queryLength: 9, causal: true, alignment: 'topLeft' }), 'causal/9x64/top-left'],
  ])('%o', (of, name) => {
    expect(of.name).toBe(name);
  });

  test('a workload survives JSON', () => {
    const of = workload({ length: 16, window: { left: null, right: 2 } });
    expect(JSON.parse(JSON.stringify(of))).toEqual(of);
  });
});

describe('inputs', () => {
  test('are the same every time, and differ between tensors and seeds', async () => {
    const of = workload({ length: 8, heads: 2, headDim: 4 });
    expect(await requestOf(of)).toEqual(await requestOf(of));
    const { query, key, value } = await requestOf(of);
    const other = (await requestOf(workload({ length: 8, heads: 2, headDim: 4, seed: 2 }))).query;
    const firsts = [query, key, value, outputGradientOf(of), other].map(({ data }) => data[0]);
    expect(new Set(firsts).size).toBe(5);
  });

  test('are standard normal', async () => {
    const { data } = (await requestOf(workload({ length: 512, heads: 4 }))).query;
    const moment = (power: number): number => data.reduce((sum, x) => sum + x ** power, 0) / data.length;
    expect(moment(1)).toBeCloseTo(0, 1);
    expect(moment(2)).toBeCloseTo(1, 1);
    expect(moment(4)).toBeCloseTo(3, 0);
  });

  test('have the shapes of the workload', async () => {
    const of = workload({
      length: 7,
      queryLength: 3,
      batch: 2,
      heads: 4,
      kvHeads: 2,
      headDim: 5,
      valueDim: 6,
    });
    const { query, key, value } = await requestOf(of);
    expect([query.shape, key.shape, value.shape]).toEqual([
      [2, 4, 3, 5],
      [2, 2, 7, 5],
      [2, 2, 7, 6],
    ]);
  });

  test('of the trained model are twelve heads of 116 tokens', async () => {
    const [first, last] = await Promise.all([requestOf(minilmWorkload(0)), requestOf(minilmWorkload(5))]);
    for (const { query, key, value } of [first, last]) {
      for (const { shape } of [query, key, value]) expect(shape).toEqual([1, 12, 116, 32]);
    }
    expect(first.query.data).not.toEqual(last.query.data);
  });
});

import {
  type AttentionBackend,
  type ComputeDType,
  HeedError,
  type ResidentTensor,
  type Tensor,
  attention,
  tensor,
} from '@heed/core';
import reference from '@heed/core/reference';
import ts from '@heed/backend-ts';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { type PoolingOptions, pooledWeights } from '../index.ts';
import type { PlainRequest } from './one-head.ts';
import type { Range } from './slice.ts';

const backends: AttentionBackend[] = [];
beforeAll(async () => {
  backends.push(await reference.create(), await ts.create());
});

/** The same numbers at every run: a hash of the index, −2 to 2. */
function numbers(shape: readonly number[], seed: number, dtype: ComputeDType = 'float32'): Tensor {
  const at = (n: number): number => 4 * (Math.abs(Math.sin(12.9898 * (n + 1) + seed) * 43758.5453) % 1) - 2;
  const length = shape.reduce((size, axis) => size * axis, 1);
  return dtype === 'float32'
    ? tensor(
        Float32Array.from({ length }, (_, n) => at(n)),
        shape,
      )
    : tensor(
        Float64Array.from({ length }, (_, n) => at(n)),
        shape,
      );
}

const [B, H, L, D] = [2, 4, 37, 8];
const base = {
  query: numbers([B, H, L, D], 1),
  key: numbers([B, H, L, D], 2),
  value: numbers([B, H, L, D], 3),
};
const short = { key: numbers([B, 2, 23, D], 4), value: numbers([B, 2, 23, D], 5) };
const segments = (length: number): Tensor =>
  tensor(
    Int32Array.from({ length: B * length }, (_, n) => Math.floor((n % length) / 9)),
    [B, length],
  );

const requests: Record<string, PlainRequest> = {
  plain: base,
  'float64, softcap, scale': {
    query: numbers([B, H, L, D], 1, 'float64'),
    key: numbers([B, H, L, D], 2, 'float64'),
    value: numbers([B, H, L, D], 3, 'float64'),
    softcap: 2,
    scale: 0.7,
  },
  'grouped queries, causal from the bottom right': {
    ...base,
    ...short,
    causal: true,
    alignment: 'bottomRight',
  },
  'window and alibi at offsets': {
    ...base,
    window: { left: 5, right: 3 },
    alibiSlopes: numbers([H], 6),
    alignment: { offset: [-4, 9] },
  },
  'lengths, aligned to them': {
    ...base,
    keyLengths: [20, 37],
    queryLengths: [37, 11],
    causal: true,
    alignment: 'bottomRight',
  },
  segments: { ...base, querySegments: segments(L), keySegments: segments(L) },
  'a mask of each row, a bias of each head': {
    ...base,
    mask: tensor(
      Uint8Array.from({ length: L }, (_, n) => (n % 5 === 0 ? 0 : 1)),
      [L, 1],
    ),
    bias: numbers([H, 1, L], 7),
  },
  'a mask of its own for everything': {
    ...base,
    mask: tensor(
      Uint8Array.from({ length: B * H * L * L }, (_, n) => ((n * 7) % 3 === 0 ? 0 : 1)),
      [B, H, L, L],
    ),
  },
  sinks: { ...base, sinks: numbers([H], 8) },
  'layout blhd': {
    query: numbers([B, L, H, D], 1),
    key: numbers([B, L, H, D], 2),
    value: numbers([B, L, H, D], 3),
    layout: 'blhd',
  },
  'no keys': { ...base, key: numbers([B, H, 0, D], 0), value: numbers([B, H, 0, D], 0) },
  argmax: { ...base, selection: 'argmax' },
  sample: { ...base, selection: 'sample', seed: 4 },
};

/** Pools all the weights at once, which a few dozen tokens allow. */
function pooled(
  weights: Tensor,
  { batch = 0, head = 0 }: PoolingOptions,
  rows: Range,
  columns: Range,
  maximum: number,
) {
  const [, heads, queries, keys] = weights.shape as [number, number, number, number];
  const edges = ([start, end]: Range): number[] => {
    const count = Math.min(maximum, end - start);
    return Array.from(
      { length: count },
      (_, cell) => start + Math.floor((cell * (end - start)) / count),
    ).concat(end);
  };
  const [rowEdges, columnEdges] = [edges(rows), edges(columns)];
  const cells = rowEdges.slice(0, -1).flatMap((top, r) =>
    columnEdges.slice(0, -1).map((left, c) => {
      const cell: number[] = [];
      for (let i = top; i < rowEdges[r + 1]!; i++) {
        for (let j = left; j < columnEdges[c + 1]!; j++) {
          cell.push(weights.data[((batch * heads + head) * queries + i) * keys + j]!);
        }
      }
      return cell;
    }),
  );
  return {
    max: cells.map((cell) => Math.max(...cell)),
    mean: cells.map((cell) => cell.reduce((sum, weight) => sum + weight, 0) / cell.length),
  };
}

function close(actual: Tensor, expected: readonly number[]): void {
  expect(actual.data).toHaveLength(expected.length);
  expected.forEach((value, index) => expect(actual.data[index]).toBeCloseTo(value, 5));
}

describe.each(Object.entries(requests))('%s', (_, request) => {
  const keys = request.key.shape[request.layout === 'blhd' ? 1 : 2]!;
  const parts: [string, Range, Range, number][] = [
    ['all, weight by weight', [0, L], [0, keys], 1024],
    ['all, in 7 × 7', [0, L], [0, keys], 7],
    ['a rectangle, weight by weight', [5, 30], [Math.min(4, keys), Math.min(19, keys)], 1024],
    ['a rectangle, in 3 × 3', [11, 37], [Math.min(9, keys), keys], 3],
  ];
  test.each(parts)('%s', async (__, rows, columns, maximum) => {
    for (const backend of backends) {
      const all = await attention(backend, { ...request, output: false, weights: true });
      const chosen = { batch: 1, head: 3 };
      const expected = pooled(all.weights, chosen, rows, columns, maximum);
      const { value: _value, ...withoutValues } = request;
      const part = await pooledWeights(backend, withoutValues, { ...chosen, rows, columns, maximum });
      close(part.max, expected.max);
      close(part.mean, expected.mean);
      expect(part.rows).toHaveLength(part.max.shape[0]!);
      expect(part.columns).toHaveLength(part.max.shape[1]!);
    }
  });
});

describe('a part of the keys', () => {
  const options = { batch: 1, head: 2, rows: [3, 9], columns: [10, 14] } as const;

  test('is the same with statistics from elsewhere', async () => {
    for (const backend of backends) {
      for (const request of [base, requests['sinks']!]) {
        const { statistics } = await attention(backends[0]!, {
          ...request,
          output: false,
          statistics: true,
        });
        const own = await pooledWeights(backend, request, options);
        const given = await pooledWeights(backend, request, { ...options, statistics });
        close(given.max, [...own.max.data]);
      }
    }
  });

  test('takes the statistics that are given: twice the sums are half the weights', async () => {
    const [backend] = backends as [AttentionBackend];
    const { statistics } = await attention(backend, { ...base, output: false, statistics: true });
    const { rowMax, rowSum } = statistics;
    const twice = tensor(
      Float32Array.from(rowSum.data, (sum) => 2 * sum),
      [...rowSum.shape],
    );
    const own = await pooledWeights(backend, base, options);
    const given = await pooledWeights(backend, base, { ...options, statistics: { rowMax, rowSum: twice } });
    close(
      given.max,
      Array.from(own.max.data, (weight) => weight / 2),
    );
  });

  test('tells the share of its own rows, and leaves nothing in the memory of the backend', async () => {
    const [backend] = backends as [AttentionBackend];
    const shares: number[] = [];
    const uploads = vi.spyOn(backend, 'upload');
    await pooledWeights(backend, base, { ...options, onProgress: (share) => shares.push(share) });
    expect(shares.at(-1)).toBe(1);
    const uploaded = await Promise.all(uploads.mock.results.map(({ value }) => value as ResidentTensor));
    uploads.mockRestore();
    expect(uploaded.length).toBeGreaterThan(0);
    for (const resident of uploaded)
      await expect(resident.read()).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  test('large scores keep their digits', async () => {
    const loud = { ...base, scale: 3000 };
    const all = await attention(backends[1]!, { ...loud, output: false, weights: true });
    const expected = pooled(all.weights, options, options.rows, options.columns, 1024);
    close((await pooledWeights(backends[1]!, loud, options)).max, expected.max);
  });
});

test('a tile at a time: many rows and keys go through in several', async () => {
  const x = numbers([1, 1, 5000, 1], 1);
  const shares: number[] = [];
  const onProgress = (share: number): number => shares.push(share);
  const { mean } = await pooledWeights(backends[1]!, { query: x, key: x }, { maximum: 4, onProgress });
  expect(shares.length).toBeGreaterThan(5);
  expect(shares.at(-1)).toBe(1);
  const total = mean.data.reduce((sum, value) => sum + value, 0);
  expect(total * (5000 / 4) ** 2).toBeCloseTo(5000, 0);
});

test('an abort ends it', async () => {
  const controller = new AbortController();
  const work = pooledWeights(backends[1]!, base, {
    batch: 0,
    head: 0,
    signal: controller.signal,
    onProgress: () => undefined,
  });
  controller.abort(new Error('enough'));
  await expect(work).rejects.toThrow('enough');
});

test('resident tensors are read', async () => {
  const backend = backends[1]!;
  const query = await backend.upload(base.query);
  const options = { batch: 0, head: 1 };
  const { max } = await pooledWeights(backend, { ...base, query }, options);
  expect(max.data).toEqual((await pooledWeights(backend, base, options)).max.data);
  query.dispose();
});

describe('what is not there is refused', () => {
  const cases: [string, PoolingOptions][] = [
    ['no head chosen', { batch: 0 }],
    ['no such head', { batch: 0, head: 4 }],
    ['no such rows', { batch: 0, head: 0, rows: [0, 38] }],
    ['keys in the wrong order', { batch: 0, head: 0, columns: [5, 4] }],
    ['no cells', { batch: 0, head: 0, maximum: 0 }],
  ];
  test.each(cases)('%s', async (_, options) => {
    const error: unknown = await pooledWeights(backends[1]!, base, options).catch(
      (reason: unknown) => reason,
    );
    expect(HeedError.isInstance(error) && error.code).toBe('ARGUMENT');
  });
});

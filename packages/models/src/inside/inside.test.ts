import ts from '@heed/backend-ts';
import type { Tensor } from '@heed/core';
import { heatmap, toTerminal } from '@heed/heatmap';
import { expect, test } from 'vitest';
import { hubFiles } from '../test/tiny-decoder.ts';
import { type Capture, type Change, Decoder } from '../index.ts';

const model = await Decoder.load(await ts.create(), await hubFiles('llama'));
const ids = [3, 1, 4, 1, 5, 9];
const others = [2, 7, 1, 8, 2, 8];

async function run(
  tokens: readonly number[],
  capture: readonly Capture[] = [],
  change: readonly Change[] = [],
): Promise<{ readonly logits: Float32Array; readonly captured: readonly Tensor<'float32'>[] }> {
  const { logits, captured } = await model.run([tokens], { logits: 'all', capture, change });
  return { logits: logits.data, captured };
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((worst, value, n) => Math.max(worst, Math.abs(value - b[n]!)), 0);
}

test('weights are the softmax of queries and keys, outputs their sums of values, head by head', async () => {
  const heads = [3, 0];
  const whats = ['weights', 'query', 'key', 'value', 'output'] as const;
  const { captured } = await run(
    ids,
    whats.map((what) => ({ layer: 1, heads, what })),
  );
  const [weights, query, key, value, output] = captured as [Tensor, Tensor, Tensor, Tensor, Tensor];
  expect(captured.map(({ shape }) => shape.join())).toEqual(['1,2,6,6', ...Array<string>(4).fill('1,2,6,4')]);
  const at = ({ data, shape }: Tensor, n: number, i: number, d: number): number =>
    data[(n * 6 + i) * shape[3]! + d]!;
  for (let n = 0; n < 2; n++) {
    for (let i = 0; i < 6; i++) {
      const scores = Array.from({ length: i + 1 }, (_, j) =>
        [0, 1, 2, 3].reduce((sum, d) => sum + (at(query, n, i, d) * at(key, n, j, d)) / 2, 0),
      );
      const sum = scores.reduce((total, score) => total + Math.exp(score), 0);
      const row = scores.map((score) => Math.exp(score) / sum);
      row.forEach((weight, j) => expect(at(weights, n, i, j)).toBeCloseTo(weight, 5));
      for (let j = i + 1; j < 6; j++) expect(at(weights, n, i, j)).toBe(0);
      const summed = row.reduce((total, weight, j) => total + weight * at(value, n, j, 2), 0);
      expect(at(output, n, i, 2)).toBeCloseTo(summed, 5);
    }
  }
});

test('each decoding step hands out its own rows', async () => {
  const capture = [{ layer: 1, heads: [2], what: 'weights' }] as const;
  const [whole] = (await run(ids, capture)).captured;
  const cache = await model.cache({ capacity: 9 });
  for (const [n, id] of ids.entries()) {
    const [weights] = (await model.run([[id]], { cache, capture })).captured;
    expect(weights!.shape).toEqual([1, 1, 1, n + 1]);
    expect(distance(weights!.data, whole!.data.subarray(n * 6, n * 6 + n + 1))).toBeLessThan(1e-5);
  }
  cache.dispose();
  expect(toTerminal(heatmap(whole!, { head: 0 })).length).toBeGreaterThan(0);
});

test('the logit lens of the last layer is the model', async () => {
  const { logits, captured } = await run(ids, [
    { layer: 1, what: 'residual' },
    { layer: 1, what: 'feedForward' },
  ]);
  expect((await model.logits(captured[0]!)).data).toEqual(logits);
  expect(captured[1]!.shape).toEqual([1, 6, 12]);
});

test('a head that is off adds nothing, and one whose output is set to 0 is off', async () => {
  const plain = await run(ids);
  const off = await run(ids, [{ layer: 0, what: 'output' }], [{ layer: 0, heads: [2], what: 'off' }]);
  expect(distance(off.logits, plain.logits)).toBeGreaterThan(1e-3);
  expect(off.captured[0]!.data.subarray(2 * 24, 3 * 24).every((value) => value === 0)).toBe(true);
  const value = { data: new Float32Array(24), shape: [1, 1, 6, 4] };
  const zero = await run(ids, [], [{ layer: 0, heads: [2], what: 'output', value }]);
  expect(zero.logits).toEqual(off.logits);
  const change = [{ layer: 0, heads: [2], what: 'off' }] as const;
  const [of, whole] = [await model.likelihoods(ids, { change }), await model.likelihoods(ids)];
  expect(distance(of, whole)).toBeGreaterThan(1e-3);
});

test('weights that are a run’s own change nothing; others show in what is captured', async () => {
  const capture = [{ layer: 0, heads: [1, 3], what: 'weights' }] as const;
  const plain = await run(ids, capture);
  const same = await run(ids, [], [{ ...capture[0], value: plain.captured[0]! }]);
  expect(distance(same.logits, plain.logits)).toBeLessThan(1e-5);
  // Every token looks at the first one alone.
  const data = Float32Array.from({ length: 72 }, (_, n) => (n % 6 === 0 ? 1 : 0));
  const first = await run(
    ids,
    [...capture, { layer: 0, heads: [1], what: 'output' }, { layer: 0, heads: [1], what: 'value' }],
    [{ ...capture[0], value: { data, shape: [1, 2, 6, 6] } }],
  );
  expect(first.captured[0]!.data).toEqual(data);
  const [, output, value] = first.captured;
  for (let i = 0; i < 6; i++) {
    expect(distance(output!.data.subarray(4 * i, 4 * i + 4), value!.data.subarray(0, 4))).toBeLessThan(1e-6);
  }
});

test.each(['residual', 'feedForward'] as const)('patching the %s of another run', async (what) => {
  const place = { layer: 1, what } as const;
  const other = await run(others, [place]);
  const patched = await run(ids, [place], [{ ...place, value: other.captured[0]! }]);
  expect(patched.captured[0]!.data).toEqual(other.captured[0]!.data);
  if (what === 'residual') expect(patched.logits).toEqual(other.logits);
});

test('patching all parts of the first layer makes the second see the other text', async () => {
  const heads = [0, 1, 2, 3];
  const places = [{ layer: 1, heads, what: 'output' }] as const;
  const other = await run(others, places);
  const patched = await run(ids, places, [{ ...places[0], value: other.captured[0]! }]);
  expect(patched.captured[0]!.data).toEqual(other.captured[0]!.data);
});

test('places and values that are not there are refused', async () => {
  const value = { data: new Float32Array(24), shape: [1, 1, 6, 4] };
  const captures: unknown[] = [
    { layer: 2, what: 'weights' },
    { layer: 0, what: 'scores' },
    { layer: 0, heads: [4], what: 'query' },
    { layer: 0, heads: [1, 1], what: 'query' },
    { layer: 0, heads: [1], what: 'residual' },
  ];
  for (const capture of captures) {
    await expect(run(ids, [capture as Capture])).rejects.toMatchObject({ code: 'ARGUMENT' });
  }
  const changes: [string, unknown][] = [
    ['ARGUMENT', { layer: 0, what: 'off' }],
    ['ARGUMENT', { layer: 0, heads: [1], what: 'off', value }],
    ['SHAPE', { layer: 0, heads: [1, 2], what: 'output', value }],
    ['SHAPE', { layer: 0, heads: [1], what: 'weights', value }],
    ['MISSING_INPUT', { layer: 0, what: 'residual' }],
    ['UNKNOWN_OPTION', { layer: 0, heads: [1], what: 'off', head: 1 }],
  ];
  for (const [code, change] of changes) {
    await expect(run(ids, [], [change as Change])).rejects.toMatchObject({ code });
  }
});

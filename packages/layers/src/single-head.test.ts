import ts from '@heed/backend-ts';
import { type AttentionBackend, tensor } from '@heed/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { dot, expectGradients, randomTensor } from './test/finite-differences.ts';
import {
  AdditiveAttention,
  type AttentionScope,
  type FloatTensor,
  LuongAttention,
  type LuongAttentionOptions,
  seededRandom,
} from './index.ts';

let backend: AttentionBackend;
beforeAll(async () => {
  backend = await ts.create();
});

const options = {
  dtype: 'float64',
  queryDim: 4,
  keyDim: 3,
  attentionDim: 5,
  random: seededRandom(5),
} as const;
const query = randomTensor([2, 3, 4], 1);
const key = randomTensor([2, 6, 3], 2);
const value = randomTensor([2, 6, 2], 3);
const scopes: [string, AttentionScope][] = [
  ['all keys', {}],
  ['key padding', { keyMask: tensor(new Uint8Array([1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0]), [2, 6]) }],
  ['key lengths', { keyLengths: [6, 4] }],
];

const luong = (rest: Partial<LuongAttentionOptions>) => () =>
  new LuongAttention({ ...options, score: 'general', ...rest });
const layers = {
  additive: () => new AdditiveAttention(options),
  'Luong, general': luong({}),
  'Luong, concat': luong({ score: 'concat' }),
  'local-m, general': luong({ local: { position: 'monotonic', halfWidth: 1 } }),
  'local-m, concat': luong({ score: 'concat', local: { position: 'monotonic', halfWidth: 2 } }),
  'local-p, general': luong({ local: { position: 'predictive', halfWidth: 2 } }),
  'local-p, concat': luong({ score: 'concat', local: { position: 'predictive', halfWidth: 1 } }),
};

describe.each(Object.entries(layers))('gradients of %s agree with finite differences', (_, make) => {
  test.each(scopes)('%s', async (__, scope) => {
    const layer = make();
    const inputs = { query, key, value, ...scope };
    const dOutput = randomTensor([2, 3, 2], 4);
    const { gradient } = await layer.forward(backend, inputs, { gradient: true });
    const { parameters, dQuery, dKey, dValue } = await gradient(dOutput);
    await expectGradients(
      async () => dot((await layer.forward(backend, inputs)).output, dOutput),
      { query, key, value, ...layer.parameters },
      { query: dQuery, key: dKey, value: dValue, ...parameters },
    );
  });
});

test('Luong, dot, the key as value', async () => {
  const layer = new LuongAttention({ dtype: 'float64', score: 'dot', queryDim: 3, keyDim: 3 });
  const inputs = { query: randomTensor([2, 4, 3], 1), key, causal: true, alignment: 'bottomRight' } as const;
  const dOutput = randomTensor([2, 4, 3], 4);
  const { gradient } = await layer.forward(backend, inputs, { gradient: true });
  const { dQuery, dKey, parameters } = await gradient(dOutput);
  expect(parameters).toEqual({});
  await expectGradients(
    async () => dot((await layer.forward(backend, inputs)).output, dOutput),
    { query: inputs.query, key },
    { query: dQuery, key: dKey },
  );
});

/** The paper's formulas, one row at a time. */
function byFormula(layer: LuongAttention, halfWidth: number, b: number, i: number, length: number): number[] {
  const row = (x: FloatTensor, n: number): number[] => [
    ...x.data.slice(n * x.shape.at(-1)!, (n + 1) * x.shape.at(-1)!),
  ];
  const times = (weight: FloatTensor, x: readonly number[]): number[] =>
    Array.from({ length: weight.shape[0] }, (_, out) =>
      row(weight, out).reduce((sum, w, n) => sum + w * x[n], 0),
    );
  const inner = (x: ArrayLike<number>, y: readonly number[]): number =>
    y.reduce((sum, v, n) => sum + v * x[n], 0);
  const h = row(query, b * 3 + i);
  const p = layer.parameters;
  const hidden = times(p['position.weight'], h).map(Math.tanh);
  const position = length / (1 + Math.exp(-inner(p['position.score'].data, hidden)));
  const inside = Array.from({ length }, (_, s) => s).filter((s) => Math.abs(s - position) <= halfWidth);
  const projected = times(p['query.weight'], h);
  const exponentials = inside.map((s) => Math.exp(inner(row(key, b * 6 + s), projected)));
  const total = exponentials.reduce((sum, e) => sum + e, 0);
  const weights = [0, 0, 0, 0, 0, 0];
  inside.forEach((s, n) => {
    weights[s] = (exponentials[n] / total) * Math.exp(-((s - position) ** 2) / (2 * (halfWidth / 2) ** 2));
  });
  return weights;
}

test('local-p is what the paper says, weights not normalized again', async () => {
  const halfWidth = 2;
  const layer = luong({ local: { position: 'predictive', halfWidth } })();
  const inputs = { query, key, value, keyLengths: [6, 5] };
  const { weights, output } = await layer.forward(backend, inputs, { weights: true });
  expect(weights.shape).toEqual([2, 1, 3, 6]);
  for (let row = 0; row < 6; row++) {
    const expected = byFormula(layer, halfWidth, Math.floor(row / 3), row % 3, row < 3 ? 6 : 5);
    const actual = [...weights.data.slice(row * 6, row * 6 + 6)];
    actual.forEach((weight, s) => expect(weight).toBeCloseTo(expected[s], 12));
    expect(actual.reduce((sum, weight) => sum + weight, 0)).toBeLessThan(0.999);
    const sum = actual.reduce((all, w, s) => all + w * value.data[(Math.floor(row / 3) * 6 + s) * 2], 0);
    expect(output.data[row * 2]).toBeCloseTo(sum, 12);
  }
});

test('local-m attends to the keys beside the query', async () => {
  const layer = luong({ local: { position: 'monotonic', halfWidth: 1 } })();
  const { weights } = await layer.forward(backend, { query, key }, { weights: true });
  const attended = Array.from(weights.data.slice(0, 18), (weight) => (weight > 0 ? 1 : 0));
  expect(attended).toEqual([1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0]);
});

test('mistakes have a code', async () => {
  expect(luong({ score: 'dot' })).toThrow(expect.objectContaining({ code: 'ARGUMENT' }) as Error);
  expect(luong({ local: { position: 'predictive', halfWidth: 0 } })).toThrow(
    expect.objectContaining({ code: 'ARGUMENT' }) as Error,
  );
  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'none',
      (error: { code: string }) => error.code,
    );
  const localP = luong({ local: { position: 'predictive', halfWidth: 1 } })();
  expect(await codeOf(localP.forward(backend, { query, key, causal: true }))).toBe('ARGUMENT');
  expect(await codeOf(localP.forward(backend, { query, key, keyLengths: [7, 1] }))).toBe('ARGUMENT');
  expect(await codeOf(layers.additive().forward(backend, { query: key, key }))).toBe('SHAPE');
});

import ts from '@heed/backend-ts';
import { type AttentionBackend, attention, tensor } from '@heed/core';
import { beforeAll, expect, test } from 'vitest';
import { dot, expectGradients, randomTensor } from './test/finite-differences.ts';
import { type AttentionScope, type FloatTensor, HardAttention, seededRandom } from './index.ts';
import { linear } from './matrix/linear.ts';

let backend: AttentionBackend;
beforeAll(async () => {
  backend = await ts.create();
});

const query = randomTensor([2, 3, 4], 1);
const key = randomTensor([2, 5, 3], 2);
const value = randomTensor([2, 5, 2], 3);
const make = () =>
  new HardAttention({ dtype: 'float64', queryDim: 4, keyDim: 3, attentionDim: 3, random: seededRandom(5) });
const scopes: [string, AttentionScope][] = [
  ['all keys', {}],
  ['causal', { causal: true, alignment: 'bottomRight' }],
  [
    'float mask and padding',
    {
      mask: randomTensor([3, 5], 9),
      keyMask: tensor(new Uint8Array([1, 1, 1, 1, 1, 1, 1, 1, 0, 0]), [2, 5]),
    },
  ],
];

test.each(scopes)('REINFORCE: the gradient of log p(choice), %s', async (_, scope) => {
  const layer = make();
  const inputs = { query, key, value, ...scope };
  const sampled = { selection: 'sample', seed: 11 } as const;
  const c = randomTensor([2, 3], 4);
  const dOutput = randomTensor([2, 3, 2], 5);
  const results = await layer.forward(backend, inputs, sampled);
  const { parameters, dQuery, dKey, dValue } = await results.reinforce(c, dOutput);
  // The noise is fixed by the seed, and no choice changes within a step of the differences.
  await expectGradients(
    async () => {
      const { logProbability, output } = await layer.forward(backend, inputs, sampled);
      return dot(logProbability, c) + dot(output, dOutput);
    },
    { query, key, value, ...layer.parameters },
    { query: dQuery, key: dKey, value: dValue, ...parameters },
  );
});

test.each(scopes)(
  'straight-through: backwards as soft attention, %s',
  async (_, { keyMask: _padding, ...scope }) => {
    const layer = make();
    const dOutput = randomTensor([2, 3, 2], 5);
    const results = await layer.forward(backend, { query, key, value, ...scope }, { selection: 'argmax' });
    const { parameters, dQuery, dKey, dValue } = await results.straightThrough(dOutput);
    const four = (x: FloatTensor) => ({ ...x, shape: [2, 1, x.shape[1], x.shape[2]] });
    const soft = async () => {
      const { output } = await attention(backend, {
        query: four(linear(query, layer.parameters['query.weight'])),
        key: four(linear(key, layer.parameters['key.weight'])),
        value: four(value),
        ...scope,
      });
      return dot(output as FloatTensor, dOutput);
    };
    await expectGradients(
      soft,
      { query, key, ...layer.parameters },
      { query: dQuery, key: dKey, ...parameters },
    );
    const hard = async () =>
      dot(
        (await layer.forward(backend, { query, key, value, ...scope }, { selection: 'argmax' })).output,
        dOutput,
      );
    await expectGradients(hard, { value }, { value: dValue });
  },
);

test('the output is the value that was chosen; an empty row chooses nothing', async () => {
  const keyMask = tensor(new Uint8Array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]), [2, 5]);
  const inputs = { query, key, value, keyMask };
  const results = await make().forward(backend, inputs, { selection: 'argmax' });
  results.choice.data.forEach((choice, row) => {
    const expected = row < 3 ? [...value.data.slice(choice * 2, choice * 2 + 2)] : [0, 0];
    expect([...results.output.data.slice(row * 2, row * 2 + 2)]).toEqual(expected);
    expect(choice === -1).toBe(row >= 3);
  });
  expect([...results.logProbability.data.slice(3)]).toEqual([0, 0, 0]);
  const { dQuery } = await results.reinforce(randomTensor([2, 3], 4));
  expect(dQuery.data.slice(12).every((d) => d === 0)).toBe(true);
});

test('samples follow the softmax: over many seeds, frequencies are the probabilities', async () => {
  const layer = make();
  const counts = [0, 0, 0, 0, 0];
  const probabilities = [0, 0, 0, 0, 0];
  const one = { query: randomTensor([1, 1, 4], 1), key: randomTensor([1, 5, 3], 2) };
  const draws = 2000;
  for (let seed = 0; seed < draws; seed++) {
    const { choice, logProbability } = await layer.forward(backend, one, { selection: 'sample', seed });
    counts[choice.data[0]]++;
    probabilities[choice.data[0]] = Math.exp(logProbability.data[0]);
  }
  expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 10);
  // Five standard deviations of a frequency.
  counts.forEach((count, j) =>
    expect(Math.abs(count / draws - probabilities[j])).toBeLessThan(2.5 / Math.sqrt(draws)),
  );
});

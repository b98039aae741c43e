import ts from '@heed/backend-ts';
import { type AttentionBackend, tensor } from '@heed/core';
import { beforeAll, expect, test } from 'vitest';
import { randomTensor } from './test/finite-differences.ts';
import {
  AdditiveAttention,
  HardAttention,
  LuongAttention,
  MultiHeadAttention,
  type FloatTensor,
  type MultiHeadAttentionInputs,
  seededRandom,
} from './index.ts';

let backend: AttentionBackend;
beforeAll(async () => {
  backend = await ts.create();
});

const query = randomTensor([2, 3, 4], 1);
const single = {
  queryDim: 4,
  keyDim: 4,
  attentionDim: 5,
  dtype: 'float64',
  random: seededRandom(1),
} as const;
interface AnyLayer {
  forward(
    backend: AttentionBackend,
    inputs: MultiHeadAttentionInputs & { readonly key: FloatTensor },
  ): Promise<{ readonly output: FloatTensor }>;
}
const layers: Record<string, AnyLayer> = {
  'multi-head': new MultiHeadAttention({ embedDim: 4, heads: 2, dtype: 'float64', random: seededRandom(1) }),
  additive: new AdditiveAttention(single),
  'Luong, general': new LuongAttention({ ...single, score: 'general' }),
  'Luong, concat': new LuongAttention({ ...single, score: 'concat' }),
};
const masks = {
  boolean: tensor(new Uint8Array([1, 0, 1, 1, 1, 1, 0, 1, 1]), [3, 3]),
  float: tensor(new Float64Array([0, -1, -Infinity, 2, 0, 0.5]), [2, 1, 1, 3]),
};
const paddings = [undefined, tensor(new Uint8Array([1, 1, 1, 1, 1, 0]), [2, 3])];

const cases = Object.entries(masks).flatMap(([kind, mask]) =>
  paddings.map((keyMask) => [`${kind}${keyMask ? ' and key padding' : ''}`, mask, keyMask] as const),
);

test.each(cases)('a resident mask is what the plain one is: %s', async (_, mask, keyMask) => {
  const resident = await backend.upload(mask);
  for (const layer of Object.values(layers)) {
    const plain = await layer.forward(backend, { query, key: query, mask, keyMask });
    const { output } = await layer.forward(backend, { query, key: query, mask: resident, keyMask });
    expect(output).toEqual(plain.output);
  }
  const hard = new HardAttention(single);
  const expected = await hard.forward(backend, { query, key: query, mask, keyMask }, { selection: 'argmax' });
  const actual = await hard.forward(
    backend,
    { query, key: query, mask: resident, keyMask },
    { selection: 'argmax' },
  );
  expect(actual.choice).toEqual(expected.choice);
  expect(actual.logProbability).toEqual(expected.logProbability);
  // The caller's mask is still there.
  expect((await resident.read()).data).toEqual(mask.data);
});

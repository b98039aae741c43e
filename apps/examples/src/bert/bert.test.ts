import ts from '@heed/backend-ts';
import { attention, tensor } from '@heed/core';
import {
  MultiHeadAttention,
  type StateDict,
  readSafetensors,
  seededRandom,
  writeSafetensors,
} from '@heed/layers';
import { expect, test } from 'vitest';
import { BertEncoder } from './bert.ts';

const [WIDTH, HEADS, LENGTH] = [8, 2, 3];
const random = seededRandom(2);
const numbers = (...shape: number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random() - 0.5),
    shape,
  );

function layer(n: number): StateDict {
  const linear = (name: string, out: number, into: number): StateDict => ({
    [`encoder.layer.${n}.${name}.weight`]: numbers(out, into),
    [`encoder.layer.${n}.${name}.bias`]: numbers(out),
  });
  return {
    ...linear('attention.self.query', WIDTH, WIDTH),
    ...linear('attention.self.key', WIDTH, WIDTH),
    ...linear('attention.self.value', WIDTH, WIDTH),
    ...linear('attention.output.dense', WIDTH, WIDTH),
    ...linear('intermediate.dense', 12, WIDTH),
    ...linear('output.dense', WIDTH, 12),
    [`encoder.layer.${n}.attention.output.LayerNorm.weight`]: numbers(WIDTH),
    [`encoder.layer.${n}.attention.output.LayerNorm.bias`]: numbers(WIDTH),
    [`encoder.layer.${n}.output.LayerNorm.weight`]: numbers(WIDTH),
    [`encoder.layer.${n}.output.LayerNorm.bias`]: numbers(WIDTH),
  };
}

const dict: StateDict = {
  'embeddings.word_embeddings.weight': numbers(5, WIDTH),
  'embeddings.position_embeddings.weight': numbers(LENGTH, WIDTH),
  'embeddings.token_type_embeddings.weight': numbers(2, WIDTH),
  'embeddings.LayerNorm.weight': numbers(WIDTH),
  'embeddings.LayerNorm.bias': numbers(WIDTH),
  ...layer(0),
  ...layer(1),
};

test('projections are what the attention of a layer is computed from', async () => {
  const backend = await ts.create();
  const prefixed = Object.fromEntries(Object.entries(dict).map(([name, value]) => [`bert.${name}`, value]));
  const bert = new BertEncoder(readSafetensors(writeSafetensors(prefixed)), { heads: HEADS });
  expect([bert.layerCount, bert.vocabulary, bert.width]).toEqual([2, 5, WIDTH]);
  const states = await bert.states(backend, tensor(Int32Array.of(1, 4, 0, 2, 2, 3), [2, LENGTH]));
  expect(states.map(({ shape }) => shape)).toEqual(Array(3).fill([2, LENGTH, WIDTH]));
  for (const [n, state] of states.slice(0, -1).entries()) {
    const { output } = await attention(backend, bert.projections(n, state));
    const whole = new MultiHeadAttention({ embedDim: WIDTH, heads: HEADS });
    whole.loadStateDict(dict, { prefix: `encoder.layer.${n}.attention.` });
    // Its output projection is made the identity, so that the heads come out side by side.
    whole.parameters['output.weight'].data.forEach((_, at, data) => {
      data[at] = Math.floor(at / WIDTH) === at % WIDTH ? 1 : 0;
    });
    whole.parameters['output.bias'].data.fill(0);
    const expected = await whole.forward(backend, { query: state });
    const depth = WIDTH / HEADS;
    expected.output.data.forEach((value, at) => {
      const [row, e] = [Math.floor(at / WIDTH), at % WIDTH];
      const [b, i, h] = [Math.floor(row / LENGTH), row % LENGTH, Math.floor(e / depth)];
      expect(output.data[((b * HEADS + h) * LENGTH + i) * depth + (e % depth)]).toBeCloseTo(value, 6);
    });
  }
  await backend.dispose();
});

test('a file without the names of a BERT is refused', () => {
  const file = readSafetensors(writeSafetensors({ a: numbers(1) }));
  expect(() => new BertEncoder(file, { heads: 1 })).toThrow(
    expect.objectContaining({ code: 'ARGUMENT' }) as Error,
  );
});

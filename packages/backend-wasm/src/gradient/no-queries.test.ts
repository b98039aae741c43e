import { type AttentionRequest, attention, tensor } from '@heed/core';
import { expect, test } from 'vitest';
import wasm from '../index.ts';

const filled = (shape: readonly number[], number: number) =>
  tensor(new Float32Array(shape.reduce((size, length) => size * length, 1)).fill(number), shape);

function requestOf(queries: number, keys: number, bias: readonly number[]): AttentionRequest {
  const query = filled([1, 1, queries, 2], 1);
  const key = filled([1, 1, keys, 2], 1);
  const more = { bias: filled(bias, 1), sinks: filled([1], 0), alignment: 'topLeft' } as const;
  return { query, key, value: key, ...more };
}

test('without queries, nothing is added to the gradients that lie behind that of the bias', async () => {
  await using backend = await wasm.create({ threads: 1 });
  // Leaves numbers behind in the memory that the next call works in.
  const first = await attention(backend, { ...requestOf(64, 64, [64, 64]), gradient: true });
  await first.gradient(filled([1, 1, 64, 2], 1));
  const { gradient } = await attention(backend, { ...requestOf(0, 41, [1, 0, 41]), gradient: true });
  const { dKey, dValue, dSinks } = await gradient(filled([1, 1, 0, 2], 1));
  for (const { data } of [dKey, dValue, dSinks!]) expect(new Set(data)).toEqual(new Set([0]));
});

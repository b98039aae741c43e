import { tensor } from '@heed/core';
import { expect, test } from 'vitest';
import { openSafetensorsShards, writeSafetensors } from '../index.ts';

const one = (value: number) => tensor(Float32Array.of(value, value), [2, 1]);
const files = new Map(
  Object.entries({
    '1.safetensors': writeSafetensors({ 'a.x': one(1), 'b.x': one(2) }, { metadata: { format: 'pt' } }),
    '2.safetensors': writeSafetensors({ 'a.y': one(3), hidden: one(4) }),
  }).map(([name, bytes]) => [name, new Blob([bytes as Uint8Array<ArrayBuffer>])]),
);
const index = {
  metadata: { total_size: 24 },
  weight_map: { 'a.x': '1.safetensors', 'a.y': '2.safetensors', 'b.x': '1.safetensors' },
};

test('a model of several files is read as one, each file opened once', async () => {
  const opened: string[] = [];
  const model = await openSafetensorsShards(index, async (name) => {
    opened.push(name);
    return files.get(name)!;
  });
  expect(opened).toEqual(['1.safetensors', '2.safetensors']);
  expect(model.names).toEqual(['a.x', 'a.y', 'b.x']);
  expect(model.metadata).toEqual({ format: 'pt' });
  expect(await model.stateDict('a.')).toEqual({ x: one(1), y: one(3) });
  expect(model.describe('a.y')).toEqual({ dtype: 'F32', shape: [2, 1] });
  expect((await model.tensor('b.x', { start: 1, end: 2 })).data).toEqual(Float32Array.of(2));
  expect(await model.stored('a.x')).toEqual(one(1));
  await expect(model.tensor('hidden')).rejects.toMatchObject({ code: 'MISSING_INPUT' });
});

test('a folder in place of the function that opens files is refused', async () => {
  await expect(openSafetensorsShards({ weight_map: { a: 'a' } }, './model' as never)).rejects.toMatchObject({
    code: 'ARGUMENT',
  });
});

test('an index that does not fit its files is refused', async () => {
  const open = (name: string) => files.get(name)!;
  const wrong = { weight_map: { 'a.x': '2.safetensors' } };
  await expect(openSafetensorsShards(wrong, open)).rejects.toMatchObject({ code: 'MISSING_INPUT' });
  const absent = { weight_map: { 'a.x': '3.safetensors' } };
  await expect(openSafetensorsShards(absent, open)).rejects.toMatchObject({ code: 'ARGUMENT' });
  for (const none of [{}, null, { weight_map: ['a'] }, { weight_map: { a: 1 } }]) {
    await expect(openSafetensorsShards(none as never, open)).rejects.toMatchObject({ code: 'ARGUMENT' });
  }
});

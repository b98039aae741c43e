import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Tensor, attention } from '@heed/core';
import { expect, test } from 'vitest';
import native from '../index.ts';
import { numbers } from '../test/long-run.ts';
import { FreedBuffers } from './freed-buffers.ts';

const { available } = await native.probe();

test('a freed buffer is taken once, by who needs its size', () => {
  const freed = new FreedBuffers();
  const given = new Float32Array(2048);
  freed.give(given);
  expect(freed.take(4096)).toBeNull();
  expect(freed.take(8192)).toBe(given.buffer);
  expect(freed.take(8192)).toBeNull();
});

test('parts of buffers, shared and small ones are not kept', () => {
  const freed = new FreedBuffers();
  freed.give(new Float32Array(4096).subarray(0, 2048));
  freed.give(new Float32Array(new SharedArrayBuffer(8192)));
  freed.give(new Float32Array(4));
  for (const bytes of [16_384, 8192, 16]) expect(freed.take(bytes)).toBeNull();
});

test('the oldest of many makes room', () => {
  const freed = new FreedBuffers();
  for (let n = 1; n <= 129; n++) freed.give(new Uint8Array(4096 + n));
  expect(freed.take(4097)).toBeNull();
  expect(freed.take(4098)).not.toBeNull();
});

/** Collects garbage, and returns which buffers are still there. */
async function survivors(buffers: readonly WeakRef<ArrayBuffer>[]): Promise<boolean[]> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // What this turn of the event loop has read stays until the next.
  await new Promise((resolve) => setTimeout(resolve, 5));
  collect();
  return buffers.map((buffer) => buffer.deref() !== undefined);
}

/** Gives new buffers. */
function filled(freed: FreedBuffers, count: number, bytes: number): WeakRef<ArrayBuffer>[] {
  return Array.from({ length: count }, () => {
    const bytesOf = new Uint8Array(bytes);
    freed.give(bytesOf);
    return new WeakRef(bytesOf.buffer);
  });
}

test('what was freed lately outlives a collection, and is freed later', async () => {
  const freed = new FreedBuffers();
  const buffers = filled(freed, 2, 8192);
  expect(await survivors(buffers)).toEqual([true, true]);
  let there = await survivors(buffers);
  while (there.includes(true)) there = await survivors(buffers);
  expect(freed.take(8192)).toBeNull();
});

test('of many bytes, the oldest are freed by a collection', async () => {
  const buffers = filled(new FreedBuffers(), 4, 2 ** 27);
  expect(await survivors(buffers)).toEqual([false, false, true, true]);
});

test.runIf(available)('used memory is never seen: tensors begin with zeros, results stay', async () => {
  const backend = await native.create({ threads: 1 });
  const x = numbers(3, 1, 4, 128, 64);
  const run = { query: x, key: x, value: x };
  const { output: mine } = await attention(backend, run);
  const copy = mine.data.slice();
  for (let n = 0; n < 3; n++) {
    const { output } = await attention(backend, run, { resident: true });
    const uploaded = await backend.upload(x);
    output.dispose();
    uploaded.dispose();
    const empty = await backend.allocate('float32', x.shape);
    const { output: again } = await attention(backend, run);
    expect((await empty.read()).data.every((value) => value === 0)).toBe(true);
    expect((again as Tensor<'float32'>).data).toEqual(copy);
    empty.dispose();
  }
  expect(mine.data).toEqual(copy);
  await backend.dispose();
});

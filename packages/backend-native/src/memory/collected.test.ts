import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { attention } from '@heed/core';
import { expect, test } from 'vitest';
import native from '../index.ts';
import { numbers } from '../test/long-run.ts';

const { available } = await native.probe();
const BYTES = 2 ** 20;

test.runIf(available)('resident tensors that are dropped are freed when they are collected', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const settled = async (): Promise<number> => {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
    return process.memoryUsage().arrayBuffers;
  };
  const backend = await native.create();
  const x = numbers(1, 1, 4, BYTES / 4 / 4 / 64, 64);
  const drop = async (): Promise<number> => {
    for (let n = 0; n < 20; n++) await backend.upload(x);
    for (let n = 0; n < 20; n++) {
      await attention(backend, { query: x, key: x, value: x, causal: true }, { resident: true });
    }
    return process.memoryUsage().arrayBuffers;
  };
  const before = await settled();
  let now = await drop();
  // What was freed lately is held for a while.
  for (let n = 0; n < 1000 && now - before > BYTES; n++) now = await settled();
  expect(now - before).toBeLessThan(BYTES);
  // The count sees one more kept tensor.
  const kept = await backend.upload(x);
  expect((await settled()) - now).toBeGreaterThanOrEqual(BYTES);
  kept.dispose();
  await backend.dispose();
});

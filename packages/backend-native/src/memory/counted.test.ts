import { attention } from '@heed/core';
import { expect, test } from 'vitest';
import native from '../index.ts';
import { numbers } from '../test/long-run.ts';

const { available } = await native.probe();
/** Bytes of the keys. */
const BYTES = 2 ** 25;

/** A run whose inputs V8 counts anew makes it collect garbage at every step of decoding over a large cache. */
test.runIf(available)('the memory of a cache is counted once, not at each run', async () => {
  const backend = await native.create({ threads: 1 });
  const cache = await backend.upload(numbers(1, 1, 2, BYTES / 4 / 2 / 64, 64));
  const query = numbers(2, 1, 2, 1, 64);
  const counted = async (): Promise<number> => {
    await attention(backend, { query, key: cache, value: cache });
    return process.memoryUsage().external;
  };
  const first = await counted();
  let highest = 0;
  for (let n = 0; n < 6; n++) highest = Math.max(highest, await counted());
  expect(highest - first).toBeLessThan(BYTES);
  cache.dispose();
  await backend.dispose();
});

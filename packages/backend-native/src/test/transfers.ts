/** Transfers the inputs of runs that are under way, 100 times, and lets their memory go. Run with --expose-gc. */
import { deepStrictEqual } from 'node:assert';
import { setImmediate } from 'node:timers/promises';
import { type Tensor, attention } from '@heed/core';
import native from '../index.ts';
import { numbers } from './long-run.ts';

const RUNS = 100;
const { gc } = globalThis as unknown as { gc: () => void };
const shape = [1, 4, 1024, 64];
const inputs = (): Record<'query' | 'key' | 'value', Tensor<'float32'>> => ({
  query: numbers(1, ...shape),
  key: numbers(2, ...shape),
  value: numbers(3, ...shape),
});
const backend = await native.create({ threads: 2 });
const expected = await attention(backend, inputs());
for (let run = 0; run < RUNS; run++) {
  const given = inputs();
  const underWay = attention(backend, given);
  await setImmediate();
  const buffers = Object.values(given).map(({ data }) => data.buffer as ArrayBuffer);
  const sizes = buffers.map(({ byteLength }) => byteLength);
  structuredClone(null, { transfer: buffers });
  gc();
  // Takes the memory that has become free, if any.
  const others = sizes.map((size) => new Float32Array(size / 4).fill(Number.NaN));
  const { output } = await underWay;
  deepStrictEqual(output.data, expected.output.data);
  deepStrictEqual(others.length, 3);
}
await backend.dispose();

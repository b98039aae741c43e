// Measures time and memory of a heatmap of a long input, next to one forward pass of the same backend.
// node --expose-gc scripts/long-input.mjs [length] [ts|wasm …]
import { cpus } from 'node:os';
import { attention, tensor } from '@heed/core';
import { pooledWeights } from '@heed/heatmap';

const providers = {
  ts: () => import('@heed/backend-ts'),
  wasm: () => import('@heed/backend-wasm'),
};
const [length = '65536', ...names] = process.argv.slice(2);
const L = Number(length);
const D = 64;
let state = 1;
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
const numbers = () => tensor(Float32Array.from({ length: L * D }, random), [1, 1, L, D]);
const [query, key, value] = [numbers(), numbers(), numbers()];
const MiB = 2 ** 20;
console.log(`${L} × ${L}, D = ${D}, one head; Node ${process.version}, ${cpus()[0].model}`);

for (const name of names.length > 0 ? names : Object.keys(providers)) {
  const { default: provider } = await providers[name]();
  const backend = await provider.create();
  // Runs both once on a part, so that neither pays for compiling.
  const part = { query, key, value, queryLengths: [1024] };
  await attention(backend, part);
  await pooledWeights(backend, part, { rows: [0, 1024] });

  let start = performance.now();
  await attention(backend, { query, key, value });
  const forward = performance.now() - start;

  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let peak = before;
  start = performance.now();
  await pooledWeights(
    backend,
    { query, key },
    {
      onProgress: () => {
        peak = Math.max(peak, process.memoryUsage().rss);
      },
    },
  );
  const pooled = performance.now() - start;
  const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
  console.log(
    `${name} (${backend.device}): forward ${seconds(forward)}, heatmap ${seconds(pooled)},`,
    `${(pooled / forward).toFixed(2)} ×; ${Math.round((peak - before) / MiB)} MiB more than before`,
  );
  await backend.dispose();
}

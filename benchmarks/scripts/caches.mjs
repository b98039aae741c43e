// A decoding step on caches of several types in the backend's memory, beside float32 in the same run: one query on
// 32,768 keys of 64 numbers, one thread.
//
//   node scripts/caches.mjs ../packages/backend-native/dist/index.js …   --keys 32768  --rounds 15
//
// Interleaved; medians. A ratio above 1 is faster than float32.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { attention, cast, tensor } from '@heed/core';

const words = process.argv.slice(2);
const option = (name, otherwise) => {
  const at = words.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(words.splice(at, 2)[1]);
};
const KEYS = option('keys', 32_768);
const ROUNDS = option('rounds', 15);
const DEPTH = 64;
const HEADS = [
  { heads: 8, kvHeads: 8 },
  { heads: 14, kvHeads: 2 },
];
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

function random(shape) {
  const size = shape.reduce((product, length) => product * length);
  return tensor(
    Float32Array.from({ length: size }, () => Math.random() * 2 - 1),
    shape,
  );
}

/** Ways to keep the cache: each uploads what it needs, and returns one step. */
const WAYS = Object.fromEntries(
  ['float32', 'float16', 'bfloat16'].map((dtype) => [
    dtype,
    async (backend, { query, key, value }) => {
      const [keys, values] = await Promise.all([key, value].map((one) => backend.upload(cast(one, dtype))));
      const request = { query: cast(query, dtype), key: keys, value: values };
      return () => attention(backend, request);
    },
  ]),
);

for (const given of words) {
  const { default: provider } = await import(
    /^[./]/.test(given) ? pathToFileURL(path.resolve(given)).href : given
  );
  const backend = await provider.create({ threads: 1 });
  console.log(`${backend.name} (${backend.device}), Node ${process.version}, ${KEYS} keys`);
  for (const { heads, kvHeads } of HEADS) {
    const inputs = {
      query: random([1, heads, 1, DEPTH]),
      key: random([1, kvHeads, KEYS, DEPTH]),
      value: random([1, kvHeads, KEYS, DEPTH]),
    };
    const steps = [];
    for (const [name, way] of Object.entries(WAYS)) {
      const step = await way(backend, inputs).catch((error) => {
        if (error.code !== 'UNSUPPORTED' && error.code !== 'DTYPE') throw error;
        return null;
      });
      if (step !== null) steps.push({ name, step, times: [] });
    }
    for (let round = -2; round < ROUNDS; round++) {
      for (const { step, times } of steps) {
        const started = performance.now();
        await step();
        if (round >= 0) times.push(performance.now() - started);
      }
    }
    console.log(`  ${heads} heads on ${kvHeads}`);
    for (const { name, times } of steps) {
      const ratio = median(steps[0].times) / median(times);
      console.log(`    ${name.padEnd(12)} ${median(times).toFixed(3).padStart(8)} ms  ${ratio.toFixed(2)} ×`);
    }
  }
  await backend.dispose();
}

// A decoding step on caches of several types in the backend's memory, beside float32 in the same run: one query on
// 32,768 keys of 64 numbers, one thread. Pages have 16 keys, in random order.
//
//   node scripts/caches.mjs ../packages/backend-native/dist/index.js …   --keys 32768  --rounds 15
//
// Interleaved; medians. A ratio above 1 is faster than float32.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { attention, cast, quantize, tensor } from '@heed/core';

const words = process.argv.slice(2);
const option = (name, otherwise) => {
  const at = words.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(words.splice(at, 2)[1]);
};
const KEYS = option('keys', 32_768);
const ROUNDS = option('rounds', 15);
const DEPTH = 64;
const PAGE = 16;
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

/** Keys or values `[1, H, L, D]` as pages of 16 in an order that has nothing to do with theirs: `table[n]` is the n-th page. */
function paged({ dtype, shape, data }, table) {
  const [, heads, length, depth] = shape;
  const pool = new data.constructor(data.length);
  for (let h = 0; h < heads; h++) {
    for (let page = 0; page < length / PAGE; page++) {
      const from = (h * length + page * PAGE) * depth;
      pool.set(data.subarray(from, from + PAGE * depth), (table[page] * heads + h) * PAGE * depth);
    }
  }
  return { dtype, shape: [length / PAGE, heads, PAGE, depth], data: pool };
}

function shuffled(count) {
  const table = Int32Array.from({ length: count }, (_, n) => n);
  for (let n = count - 1; n > 0; n--) {
    const other = Math.floor(Math.random() * (n + 1));
    [table[n], table[other]] = [table[other], table[n]];
  }
  return table;
}

/** Keys and values in a type, with scales if it is quantized. */
function stored({ key, value }, type) {
  if (!type.startsWith('int')) return { key: cast(key, type), value: cast(value, type) };
  const [keys, values] = [key, value].map((one) => quantize(one, type, { group: DEPTH }));
  return {
    key: keys.numbers,
    value: values.numbers,
    keyScales: keys.scales,
    valueScales: values.scales,
  };
}

async function resident(backend, tensors) {
  const entries = Object.entries(tensors).map(async ([name, one]) => [name, await backend.upload(one)]);
  return Object.fromEntries(await Promise.all(entries));
}

const TYPES = ['float32', 'float16', 'bfloat16', 'int8', 'int4x2'];

/** Ways to keep the cache: each uploads it, and returns one step. */
const WAYS = {
  ...Object.fromEntries(
    TYPES.map((type) => [
      type,
      async (backend, inputs) => {
        const cache = await resident(backend, stored(inputs, type));
        return { step: () => attention(backend, { query: inputs.query, ...cache }), cache };
      },
    ]),
  ),
  ...Object.fromEntries(
    ['float32', 'float16', 'int8'].map((type) => [
      `${type} in pages`,
      async (backend, inputs) => {
        const table = shuffled(KEYS / PAGE);
        const pools = Object.entries(stored(inputs, type)).map(([name, one]) => [name, paged(one, table)]);
        const cache = await resident(backend, Object.fromEntries(pools));
        const blockTable = tensor(table, [1, table.length]);
        return { step: () => attention(backend, { query: inputs.query, ...cache, blockTable }), cache };
      },
    ]),
  ),
};

for (const given of words) {
  const { default: provider } = await import(
    /^[./]/.test(given) ? pathToFileURL(path.resolve(given)).href : given
  );
  const backend = await provider.create(provider.name === 'ts' ? {} : { threads: 1 });
  console.log(`${backend.name} (${backend.device}), Node ${process.version}, ${KEYS} keys`);
  for (const { heads, kvHeads } of HEADS) {
    const inputs = {
      query: random([1, heads, 1, DEPTH]),
      key: random([1, kvHeads, KEYS, DEPTH]),
      value: random([1, kvHeads, KEYS, DEPTH]),
    };
    const steps = [];
    for (const [name, way] of Object.entries(WAYS)) {
      try {
        const { step, cache } = await way(backend, inputs);
        await step();
        steps.push({ name, step, cache, times: [] });
      } catch (error) {
        if (error.code !== 'UNSUPPORTED' && error.code !== 'DTYPE') throw error;
      }
    }
    for (let round = -2; round < ROUNDS; round++) {
      for (const { step, times } of steps) {
        const started = performance.now();
        await step();
        if (round >= 0) times.push(performance.now() - started);
      }
    }
    console.log(`  ${heads} heads on ${kvHeads}`);
    for (const { name, times, cache } of steps) {
      for (const one of Object.values(cache)) one.dispose();
      const ratio = median(steps[0].times) / median(times);
      console.log(`    ${name.padEnd(17)} ${median(times).toFixed(3).padStart(8)} ms  ${ratio.toFixed(2)} ×`);
    }
  }
  await backend.dispose();
}

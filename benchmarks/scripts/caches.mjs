// A decoding step on caches of several types in the backend's memory, beside float32 in the same run: one query on
// 32,768 keys of 64 numbers, one thread. Pages have 16 keys, in random order. Besides: onnxruntime-node's GroupQueryAttention in
// float32 and float16, PyTorch in float32 and the 16-bit types if its Python is given, the bandwidth of a sum in C++ if there is a
// compiler; and the memory of a process with 65,536 keys × 8 heads.
//
//   node scripts/caches.mjs ../packages/backend-native/dist/index.js …
//     --keys 32768  --rounds 15  --peers  --python BIN  --memory
//
// Interleaved; medians. The first ratio is to the speed of float32, above 1 is faster; the second, of pages, to the same type without.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { attention, cast, quantize, tensor } from '@heed/core';
import { peakOf } from '../../packages/backend-native/scripts/measure/peak.mjs';
import { groupQueryAttention, pytorch } from './caches/peers.mjs';
import { median } from './median.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    keys: { type: 'string', default: '32768' },
    rounds: { type: 'string', default: '15' },
    python: { type: 'string' },
    peers: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
  },
});
const KEYS = Number(options.keys);
const ROUNDS = Number(options.rounds);
const DEPTH = 64;
const PAGE = 16;
const HEADS = [
  { heads: 8, kvHeads: 8 },
  { heads: 14, kvHeads: 2 },
];

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

/** Bytes of keys and values, without scales. */
const bytesOf = (type, kvHeads) =>
  2 * kvHeads * KEYS * DEPTH * { float32: 4, float16: 2, bfloat16: 2, int8: 1, int4x2: 0.5 }[type];

/** GB/s of sums over as many bytes as float32's keys and values, as they lie and in pages, or null without a compiler. */
async function bandwidth(level) {
  const names = { 'AVX-512': 'avx512', AVX2: 'avx2', NEON: 'neon' };
  try {
    const peak = peakOf(names[level]);
    return {
      line: await peak('sum', bytesOf('float32', 8)),
      pages: await peak('pages', bytesOf('float32', 8)),
    };
  } catch {
    return null;
  }
}

/** The ways of a backend, uploaded and run once: the name, one step that returns its milliseconds, and what ends it. */
async function waysOf(backend, inputs) {
  const steps = [];
  for (const [name, way] of Object.entries(WAYS)) {
    try {
      const { step, cache } = await way(backend, inputs);
      await step();
      const end = () => Object.values(cache).forEach((one) => one.dispose());
      steps.push({ name, milliseconds: () => timed(step), end });
    } catch (error) {
      if (error.code !== 'UNSUPPORTED' && error.code !== 'DTYPE') throw error;
    }
  }
  return steps;
}

/** The same of other libraries, whose outputs are compared. */
async function waysOfPeers(inputs, backend) {
  const steps = [];
  const { output } = await attention(backend, inputs);
  for (const type of ['float32', 'float16']) {
    const typed = Object.fromEntries(Object.entries(inputs).map(([name, one]) => [name, cast(one, type)]));
    try {
      const peer = await groupQueryAttention(type, typed);
      await peer.step();
      const data =
        type === 'float16'
          ? cast({ ...output, dtype: type, data: peer.output() }, 'float32').data
          : peer.output();
      const difference = Math.max(...data.map((x, n) => Math.abs(x - output.data[n])));
      if (difference > 1e-3) throw new Error(`its output differs by ${difference}`);
      steps.push({ name: `GQA ${type}`, milliseconds: () => timed(peer.step), end: peer.end });
    } catch (error) {
      console.log(`    GroupQueryAttention in ${type} is left out: ${error.message.split('\n')[0]}`);
    }
  }
  for (const type of options.python === undefined ? [] : ['float32', 'float16', 'bfloat16']) {
    const typed = Object.fromEntries(Object.entries(inputs).map(([name, one]) => [name, cast(one, type)]));
    const peer = await pytorch(options.python, typed);
    steps.push({ name: `PyTorch ${type}`, milliseconds: peer.milliseconds, end: peer.end });
  }
  return steps;
}

async function timed(step) {
  const started = performance.now();
  await step();
  return performance.now() - started;
}

async function compare(backend, { heads, kvHeads }) {
  const inputs = {
    query: random([1, heads, 1, DEPTH]),
    key: random([1, kvHeads, KEYS, DEPTH]),
    value: random([1, kvHeads, KEYS, DEPTH]),
  };
  const steps = [
    ...(await waysOf(backend, inputs)),
    ...(options.peers ? await waysOfPeers(inputs, backend) : []),
  ];
  const times = new Map(steps.map(({ name }) => [name, []]));
  for (let round = -2; round < ROUNDS; round++) {
    for (const { name, milliseconds } of steps) {
      const one = await milliseconds();
      if (round >= 0) times.get(name).push(one);
    }
  }
  console.log(`  ${heads} heads on ${kvHeads}`);
  const of = (name) => median(times.get(name));
  for (const { name } of steps) {
    const [type] = name.split(' ');
    const own = name.endsWith('in pages') ? `  ${(of(type) / of(name)).toFixed(2)} × ${type}` : '';
    const speed = TYPES.includes(type)
      ? `  ${(bytesOf(type, kvHeads) / of(name) / 1e6).toFixed(1)} GB/s`
      : '';
    console.log(
      `    ${name.padEnd(17)} ${of(name).toFixed(3).padStart(8)} ms  ${(of('float32') / of(name)).toFixed(2)} ×${own}${speed}`,
    );
  }
  for (const { end } of steps) await end();
}

/** Prints the growth of a process by a cache of each type, beside the bytes stored, and by the peak of steps on it. */
function memory(module) {
  const program = fileURLToPath(new URL('caches/memory.mjs', import.meta.url));
  let whole;
  for (const [type, group] of [['float32'], ['float16'], ['int8', 32], ['int8', 64], ['int4x2', 32]]) {
    const words = ['--expose-gc', program, module, type, String(group), '65536'];
    const { cache, steps } = JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' }));
    whole ??= cache;
    const name = group === undefined ? type : `${type}, groups of ${group}`;
    const [megabytes, more] = [cache, steps].map((bytes) => (bytes / 2 ** 20).toFixed(1));
    const share = bytesOf(type, 1) / KEYS / DEPTH / 2 + (group === undefined ? 0 : 4 / group);
    console.log(
      `    ${name.padEnd(21)} ${megabytes.padStart(6)} MB  ${(cache / whole).toFixed(3)} of float32 (stored: ${(share / 4).toFixed(3)})  ${more} MB more at the peak of steps`,
    );
  }
}

for (const given of positionals) {
  const module = /^[./]/.test(given) ? pathToFileURL(path.resolve(given)).href : given;
  const { default: provider } = await import(module);
  const backend = await provider.create(provider.name === 'ts' ? {} : { threads: 1 });
  console.log(`${backend.name} (${backend.device}), Node ${process.version}, ${KEYS} keys`);
  const sum = provider.name === 'native' ? await bandwidth(/native ([^,]+)/.exec(backend.device)[1]) : null;
  if (sum !== null) {
    const [line, pages] = [sum.line, sum.pages].map((rate) => rate.toFixed(1));
    console.log(
      `  a sum over the bytes of float32: ${line} GB/s, in pages of 4 KB: ${pages} GB/s (${(pages / line).toFixed(2)} ×)`,
    );
  }
  for (const heads of HEADS) await compare(backend, heads);
  await backend.dispose();
  if (!options.memory) continue;
  console.log('  memory of 65,536 keys × 8 heads of 64');
  memory(module);
}
process.exit(0);

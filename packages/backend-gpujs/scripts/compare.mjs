// Compares Heed with hand-written gpu.js kernels of attention, mode by mode, in one process and interleaved. Both
// take and return plain arrays; between their kernels both keep everything on the device.
// A ratio is the hand-written median time divided by Heed's: above 1 Heed is faster. Also measured: the two products
// without a softmax, a lower bound for the engine, and the plain triple loop in JavaScript.
//
//   node scripts/compare.mjs [--modes cpu,webasm,webgpu] [--lengths 128,256,512,1024] [--rounds 9]
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { resolveRequest, tensor } from '@heed/core';
import gpujs from '@heed/backend-gpujs';
import { GPU } from 'gpu.js';
import { withNavigatorGpu } from '../dist/platform/node-webgpu.js';
import { useSoftwareVulkan } from '../dist/test/software-vulkan.js';
import { byHand } from './by-hand.mjs';

const [HEADS, DEPTH] = [4, 64];
const { values } = parseArgs({
  options: {
    modes: { type: 'string', default: 'cpu,webasm,webgpu' },
    lengths: { type: 'string', default: '128,256,512,1024' },
    rounds: { type: 'string', default: '9' },
  },
});

/** Attention as a good programmer writes it, row by row, in the memory of one row of scores. */
function tripleLoop(length, causal, query, key, value) {
  const output = new Float32Array(HEADS * length * DEPTH);
  const weights = new Float32Array(length);
  for (let row = 0; row < HEADS * length; row++) {
    const first = (row - (row % length)) * DEPTH;
    const end = causal ? (row % length) + 1 : length;
    let most = -Infinity;
    for (let j = 0; j < end; j++) {
      let score = 0;
      for (let d = 0; d < DEPTH; d++) score += query[row * DEPTH + d] * key[first + j * DEPTH + d];
      weights[j] = score / Math.sqrt(DEPTH);
      most = Math.max(most, weights[j]);
    }
    let sum = 0;
    for (let j = 0; j < end; j++) sum += weights[j] = Math.exp(weights[j] - most);
    for (let j = 0; j < end; j++) {
      const weight = weights[j] / sum;
      for (let d = 0; d < DEPTH; d++) output[row * DEPTH + d] += weight * value[first + j * DEPTH + d];
    }
  }
  return output;
}

useSoftwareVulkan();

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

async function interleaved(sides, rounds) {
  const names = Object.keys(sides);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const start = performance.now();
      await sides[name]();
      if (round >= 0) times[name].push(performance.now() - start);
    }
  }
  return names.map((name) => median(times[name]));
}

function largestDifference(flat, nested) {
  const other = nested.flatMap((rows) => rows.flatMap((row) => [...row]));
  return flat.reduce((largest, number, n) => Math.max(largest, Math.abs(number - other[n])), 0);
}

async function compare(backend, gpu, length, causal) {
  const shape = [1, HEADS, length, DEPTH];
  const [query, key, value] = [1, 2, 3].map((seed) =>
    tensor(
      Float32Array.from({ length: HEADS * length * DEPTH }, (_, n) => Math.sin(seed * 91.7 + n * 12.9898)),
      shape,
    ),
  );
  const { problem, inputs } = resolveRequest({ query, key, value, causal });
  const kernel = await backend.compile(problem);
  const hand = byHand(gpu, { heads: HEADS, length, depth: DEPTH });
  if (!causal) {
    const error = largestDifference(
      (await kernel.run(inputs)).output.data,
      await hand.attention(query.data, key.data, value.data),
    );
    if (!(error < 1e-5)) throw new Error(`the two differ by ${error}`);
  }
  const tensors = [query.data, key.data, value.data];
  const sides = {
    hand: () => hand.attention(...tensors),
    heed: () => kernel.run(inputs),
    products: () => hand.products(...tensors),
    loop: () => tripleLoop(length, causal, ...tensors),
  };
  const [byHandTime, heed, products, loop] = await interleaved(sides, Number(values.rounds));
  await kernel.dispose();
  print(
    causal ? 'causal' : 'dense',
    length,
    byHandTime.toFixed(1),
    heed.toFixed(1),
    (byHandTime / heed).toFixed(2),
    products.toFixed(1),
    loop.toFixed(1),
    (loop / heed).toFixed(2),
  );
}

const print = (...cells) => console.log(cells.map((cell) => String(cell).padStart(9)).join(''));

console.log(`${cpus()[0].model}, ${cpus().length} processors, node ${process.versions.node}`);
console.log(`B=1 H=${HEADS} D=${DEPTH}; causal beside the dense kernels by hand`);
for (const mode of values.modes.split(',')) {
  const backend = await gpujs.create({ mode }).catch((error) => console.log(error.message));
  if (backend === undefined) continue;
  console.log(backend.device);
  print('', 'N', 'hand ms', 'heed ms', 'ratio', 'products', 'loop ms', 'ratio');
  const work = async () => {
    const gpu = new GPU({ mode });
    for (const causal of [false, true]) {
      for (const length of values.lengths.split(',').map(Number)) await compare(backend, gpu, length, causal);
    }
    await gpu.destroy();
  };
  await (mode === 'webgpu' ? withNavigatorGpu(work) : work());
  await backend.dispose();
}

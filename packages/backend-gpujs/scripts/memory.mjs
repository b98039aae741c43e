// Memory that a first run takes besides its inputs, each contestant in a separate process: the largest resident set
// during the run, minus that before. Code has run before, at 256 queries and keys. Beside Heed's number: the
// WebAssembly memories that gpu.js makes in that run, one for each program and width of tiles. Linux.
//
//   node scripts/memory.mjs [--lengths 512,1024,2048,4096] [--heads 1] [--rounds 3]
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { resolveRequest, tensor } from '@heed/core';
import gpujs from '@heed/backend-gpujs';
import { GPU } from 'gpu.js';
import { byHand } from './by-hand.mjs';

const DEPTH = 64;
const WARM_UP_LENGTH = 256;
const { values } = parseArgs({
  options: {
    lengths: { type: 'string', default: '512,1024,2048,4096' },
    heads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    // One contestant, in the measured process.
    contestant: { type: 'string' },
  },
});
const heads = Number(values.heads);

/** Attention with the N² scores in an array, and the weights in another. */
function naive(length, [query, key, value]) {
  const output = new Float32Array(heads * length * DEPTH);
  const scores = new Float32Array(heads * length * length);
  for (let row = 0; row < heads * length; row++) {
    const first = row - (row % length);
    for (let j = 0; j < length; j++) {
      let sum = 0;
      for (let d = 0; d < DEPTH; d++) sum += query[row * DEPTH + d] * key[(first + j) * DEPTH + d];
      scores[row * length + j] = sum / Math.sqrt(DEPTH);
    }
  }
  const weights = new Float32Array(scores.length);
  for (let row = 0; row < heads * length; row++) {
    const at = row * length;
    let maximum = -Infinity;
    for (let j = 0; j < length; j++) maximum = Math.max(maximum, scores[at + j]);
    let sum = 0;
    for (let j = 0; j < length; j++) sum += weights[at + j] = Math.exp(scores[at + j] - maximum);
    for (let j = 0; j < length; j++) weights[at + j] /= sum;
  }
  for (let row = 0; row < heads * length; row++) {
    const first = row - (row % length);
    for (let j = 0; j < length; j++) {
      const weight = weights[row * length + j];
      for (let d = 0; d < DEPTH; d++) output[row * DEPTH + d] += weight * value[(first + j) * DEPTH + d];
    }
  }
  return output;
}

async function heed(asked) {
  const backend = await gpujs.create({ mode: 'webasm' });
  return async (length, tensors) => {
    const [query, key, value] = tensors.map((data) => tensor(data, [1, heads, length, DEPTH]));
    const { problem, inputs } = resolveRequest({ query, key, value, ...asked });
    return (await backend.compile(problem)).run(inputs);
  };
}

const CONTESTANTS = {
  naive: async () => naive,
  kernels: async () => {
    const gpu = new GPU({ mode: 'webasm' });
    return (length, tensors) => byHand(gpu, { heads, length, depth: DEPTH }).attention(...tensors);
  },
  heed: () => heed({}),
  weights: () => heed({ weights: true }),
};

const inputsOf = (length) =>
  [1, 2, 3].map((seed) =>
    Float32Array.from({ length: heads * length * DEPTH }, (_, n) => Math.sin(seed * 91.7 + n * 12.9898)),
  );

function statusBytes(field) {
  const status = readFileSync('/proc/self/status', 'utf8');
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)[1]);
}

/** Counts the bytes of the WebAssembly memories that are made. */
function countMemories() {
  const made = { bytes: 0 };
  WebAssembly.Memory = class extends WebAssembly.Memory {
    constructor(descriptor) {
      super(descriptor);
      made.bytes += this.buffer.byteLength;
    }
  };
  return made;
}

async function growth(name, length) {
  const memories = countMemories();
  const run = await CONTESTANTS[name]();
  for (let n = 0; n < 3; n++) await run(WARM_UP_LENGTH, inputsOf(WARM_UP_LENGTH));
  const tensors = inputsOf(length);
  globalThis.gc();
  memories.bytes = 0;
  const before = statusBytes('VmRSS');
  writeFileSync('/proc/self/clear_refs', '5');
  await run(length, tensors);
  return { growth: statusBytes('VmHWM') - before, memories: memories.bytes };
}

function measured(name, length) {
  const options = ['--contestant', name, '--lengths', String(length), '--heads', values.heads];
  const self = fileURLToPath(import.meta.url);
  const runs = Array.from({ length: Number(values.rounds) }, () =>
    JSON.parse(execFileSync(process.execPath, ['--expose-gc', self, ...options], { encoding: 'utf8' })),
  );
  return runs.toSorted((a, b) => a.growth - b.growth)[runs.length >> 1];
}

if (values.contestant === undefined) {
  const names = Object.keys(CONTESTANTS);
  console.log(`${cpus()[0].model}, node ${process.versions.node}`);
  console.log(`MiB of a first run, B=1 H=${heads} D=${DEPTH}, mode webasm, medians of ${values.rounds}`);
  const print = (cells) => console.log(cells.map((cell) => String(cell).padStart(10)).join(''));
  const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
  print(['N', ...names, 'memories']);
  for (const length of values.lengths.split(',').map(Number)) {
    const runs = Object.fromEntries(names.map((name) => [name, measured(name, length)]));
    print([length, ...names.map((name) => mebibytes(runs[name].growth)), mebibytes(runs.heed.memories)]);
  }
} else {
  console.log(JSON.stringify(await growth(values.contestant, Number(values.lengths))));
  process.exit();
}

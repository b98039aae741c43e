// Compares the sizes of tiles, blocks and splits with others, at head sizes 64, 128 and 256: node scripts/tiles.mjs
// [NAME]
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { resolveRequest, tensor } from '@heed/core';

const HEAD_SIZES = [64, 128, 256];
const ROUNDS = 13;
const copies = new URL('../node_modules/.tiles/', import.meta.url);

let state = 1;
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
const numbers = (...shape) =>
  tensor(Float32Array.from({ length: shape.reduce((size, length) => size * length, 1) }, random), shape);
const requestOf = (queries, keys, D, options) => ({
  query: numbers(1, 1, queries, D),
  key: numbers(1, 1, keys, D),
  value: numbers(1, 1, keys, D),
  ...options,
});
const dense = (D) => requestOf(1024, 1024, D);
const gradient = (D) => requestOf(768, 768, D, { gradient: true, outputs: ['output', 'statistics'] });
const decoding = (queries) => (D) => requestOf(queries, 32_768, D);

/** A constant of `plan/tiling.ts`, its other values, and the problems that measure it. */
const EXPERIMENTS = {
  TILE_KEYS: { values: [96, 192, 384, 768], workloads: { 'dense, 1024': dense } },
  BLOCK_ROWS: {
    values: [48, 96, 192],
    workloads: { 'dense, 1024': dense, 'gradient, 768': gradient },
  },
  GRADIENT_TILE_KEYS: { values: [48, 96, 192, 384], workloads: { 'gradient, 768': gradient } },
  DIRECT_TILE_KEYS: {
    values: [128, 256, 512, 1024],
    workloads: { '1 query, 32,768 keys': decoding(1), '8 queries, 32,768 keys': decoding(8) },
  },
  SPLIT_KEYS: {
    values: [1024, 2048, 4096, 8192, 16_384],
    workloads: { '1 query, 32,768 keys': decoding(1), '16 queries, 32,768 keys': decoding(16) },
  },
};

/** Returns the built backend with another number. */
async function backendWith(name, value) {
  const folder = new URL(`${name}-${value}/`, copies);
  await cp(new URL('../dist/', import.meta.url), folder, { recursive: true });
  const file = new URL('plan/tiling.js', folder);
  const text = await readFile(file, 'utf8');
  const changed = text.replace(new RegExp(`(const ${name} = )\\d+;`), `$1${value};`);
  if (!changed.includes(`const ${name} = ${value};`)) throw new Error(`there is no constant ${name}`);
  await writeFile(file, changed);
  const { default: provider } = await import(new URL('index.js', folder).href);
  return provider.create({ threads: 1 });
}

/** A run on resident tensors: no copy of the inputs. */
async function prepared(backend, request) {
  const { problem, inputs } = resolveRequest(request);
  const kernel = await backend.compile(problem);
  const resident = {};
  for (const [name, input] of Object.entries(inputs)) resident[name] = await backend.upload(input);
  const { output, statistics } = await kernel.run(resident);
  const upstream = problem.gradient && { output, statistics, dOutput: output };
  const run = () => (upstream ? kernel.gradient(resident, upstream) : kernel.run(resident));
  for (let n = 0; n < 3; n++) await run();
  // Engines optimize in a thread of their own, which may have to wait for this one.
  await setTimeout(200);
  return {
    run,
    end: () => Object.values(resident).forEach((one) => one.dispose()),
  };
}

const [only] = process.argv.slice(2);
console.log(
  `Node ${process.version}, ${cpus()[0].model}; processor time, minimum of ${ROUNDS} rounds, one thread, float32`,
);
for (const [name, { values, workloads }] of Object.entries(EXPERIMENTS)) {
  if (only !== undefined && only !== name) continue;
  const backends = [];
  for (const value of values) backends.push(await backendWith(name, value));
  for (const [workload, requestFor] of Object.entries(workloads)) {
    for (const D of HEAD_SIZES) {
      const request = requestFor(D);
      const contestants = [];
      for (const backend of backends) contestants.push(await prepared(backend, request));
      const best = contestants.map(() => Infinity);
      for (let round = 0; round < ROUNDS; round++) {
        for (const [n, { run }] of contestants.entries()) {
          const start = process.cpuUsage();
          await run();
          const { user, system } = process.cpuUsage(start);
          best[n] = Math.min(best[n], (user + system) / 1000);
        }
      }
      for (const { end } of contestants) end();
      const figures = values.map((value, n) => `${value}: ${best[n].toFixed(2)} ms`);
      console.log(`${name} | ${workload} | D=${D} | ${figures.join(' | ')}`);
    }
  }
  for (const backend of backends) await backend.dispose();
}
await rm(copies, { recursive: true, force: true });

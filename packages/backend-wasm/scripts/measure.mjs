// The figures of the README, except comparisons with peers, which `heed bench` measures.
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { attention, resolveRequest, tensor } from '@heed/core';
import reference from '@heed/core/reference';
import { createBackend } from '../dist/backend.js';
import { startEngine } from '../dist/platform/engine.js';
import { SUM_STEP, TASK_FLOPS, loops } from './loops.mjs';

const D = 64;
const ROUNDS = 15;
let state = 1;
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
const numbers = (...shape) =>
  tensor(Float32Array.from({ length: shape.reduce((size, length) => size * length, 1) }, random), shape);
const requestOf = (heads, queryLength, keyLength) => ({
  query: numbers(1, heads, queryLength, D),
  key: numbers(1, heads, keyLength, D),
  value: numbers(1, heads, keyLength, D),
});
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const percent = (share) => `${(100 * share).toFixed(1)}%`;

/** Milliseconds on the clock. */
const wallTime = () => performance.now();
/** Milliseconds that this process has computed, in all of its threads: others that share the machine do not count. */
const processorTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Milliseconds of each in every round, after one round to warm up: noise hits all alike. */
async function race(now, contestants) {
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(contestants)) {
      const start = now();
      await run();
      if (round > 0) times[name].push(now() - start);
    }
  }
  return times;
}

/** Median over the rounds of a figure made of the times of one. */
const overRounds = (times, make) =>
  median(
    Array.from({ length: ROUNDS }, (_, n) =>
      make(Object.fromEntries(Object.entries(times).map(([name, list]) => [name, list[n]]))),
    ),
  );

/** A run on resident tensors: no copy of the inputs. */
async function prepared(options, request) {
  const engine = await startEngine(options);
  const backend = createBackend(engine);
  const { problem, inputs } = resolveRequest(request);
  const kernel = await backend.compile(problem);
  const resident = { ...inputs };
  for (const name of ['query', 'key', 'value']) resident[name] = await backend.upload(inputs[name]);
  return { engine, backend, kernel, run: () => kernel.run(resident) };
}

async function shareOfPeak(options, length) {
  const heads = 12;
  const { engine, backend, run } = await prepared(
    { ...options, threads: 1 },
    requestOf(heads, length, length),
  );
  const { planOptions, heap } = engine;
  const { instance } = await loops(heap.memory, { shared: false, relaxed: planOptions.relaxedSimd });
  const to = heap.allocate(16);
  const peak = () => {
    for (let n = 0; n < 20; n++) instance.exports.multiplyAdd(0, to, 0);
  };
  const times = await race(processorTime, { peak, run });
  const flops = 4 * D * heads * length * length;
  const share = overRounds(times, (ms) => flops / ms.run / ((20 * TASK_FLOPS) / ms.peak));
  const speed = overRounds(times, ({ run: ms }) => flops / ms / 1e6);
  console.log(
    `${backend.device}, N=${length} H=${heads}: ${speed.toFixed(1)} GFLOP/s, ${percent(share)} of the peak`,
  );
  await backend.dispose();
}

/** A linear projection of so many rows, on resident tensors. */
async function linearShare(rows, inputDim, outputDim) {
  const engine = await startEngine({ threads: 1 });
  const backend = createBackend(engine);
  const kernel = await backend.linear.compile({ inputDim, outputDim });
  const weights = await kernel.pack({ weight: numbers(outputDim, inputDim) });
  const input = await backend.upload(numbers(rows, inputDim));
  const { planOptions, heap } = engine;
  const { instance } = await loops(heap.memory, { shared: false, relaxed: planOptions.relaxedSimd });
  const to = heap.allocate(16);
  const flops = 2 * rows * inputDim * outputDim;
  const turns = Math.max(1, Math.round(TASK_FLOPS / flops));
  const run = async () => {
    for (let n = 0; n < turns; n++) {
      const { output } = await kernel.run({ input, weights }, { resident: true });
      output.dispose();
    }
  };
  const times = await race(processorTime, { peak: () => instance.exports.multiplyAdd(0, to, 0), run });
  const share = overRounds(times, (ms) => (turns * flops) / ms.run / (TASK_FLOPS / ms.peak));
  console.log(`linear, ${rows} rows, ${inputDim} → ${outputDim}: ${percent(share)} of the peak`);
  await backend.dispose();
}

/** Parts of a forward pass: the cost of scores grows with the head size, that of their softmax does not. */
async function limits(length) {
  const heads = 4;
  const statisticsOf = (size) => ({
    query: numbers(1, heads, length, size),
    key: numbers(1, heads, length, size),
    value: numbers(1, heads, length, size),
    output: false,
    statistics: true,
  });
  const short = await prepared({ threads: 1 }, statisticsOf(D / 4));
  const full = await prepared({ threads: 1 }, statisticsOf(D));
  const whole = await prepared({ threads: 1 }, requestOf(heads, length, length));
  const { planOptions, heap } = whole.engine;
  const { instance } = await loops(heap.memory, { shared: false, relaxed: planOptions.relaxedSimd });
  const to = heap.allocate(16);
  const peak = () => instance.exports.multiplyAdd(0, to, 0);
  const times = await race(processorTime, { peak, short: short.run, full: full.run, whole: whole.run });
  const flops = 2 * D * heads * length * length;
  const product = (ms) => ((ms.full - ms.short) * 4) / 3;
  const efficiency = overRounds(times, (ms) => flops / product(ms) / (TASK_FLOPS / ms.peak));
  const softmax = overRounds(times, (ms) => (ms.full - product(ms)) / ms.whole);
  console.log(
    `N=${length} H=${heads}: the product of queries and keys reaches ${percent(efficiency)} of the peak;`,
    `the softmax takes ${percent(softmax)} of the time`,
  );
  for (const { backend } of [short, full, whole]) await backend.dispose();
}

async function scaling(length) {
  const request = requestOf(12, length, length);
  const one = await prepared({ threads: 1 }, request);
  const two = await prepared({ threads: 2 }, request);
  const { team, heap, planOptions } = two.engine;
  const module = { id: 0, ...(await loops(heap.memory, { shared: true, relaxed: planOptions.relaxedSimd })) };
  const phases = [{ export: 'multiplyAdd', firstTask: 0, tasks: 200 }];
  const job = { module, phases, frame: heap.allocate(16), scratch: 0, scratchStride: 0 };
  const times = await race(wallTime, {
    peakOne: () => team.run(job, 0),
    peakTwo: () => team.run(job, 1),
    one: one.run,
    two: two.run,
  });
  const attentions = overRounds(times, (ms) => ms.one / ms.two);
  const loop = overRounds(times, (ms) => ms.peakOne / ms.peakTwo);
  console.log(
    `two threads, N=${length}: ${attentions.toFixed(2)} × one; a loop in registers ${loop.toFixed(2)} ×;`,
    `${(attentions / loop).toFixed(2)} of that`,
  );
  await one.backend.dispose();
  await two.backend.dispose();
}

async function decoding(heads, length) {
  const { engine, backend, kernel, run } = await prepared({ threads: 1 }, requestOf(heads, 1, length));
  const { instance } = await loops(engine.heap.memory, { shared: false, relaxed: false });
  const bytes = 2 * heads * length * D * 4;
  // Keys and values are nearly all that the memory holds.
  const end = SUM_STEP + bytes;
  const times = await race(processorTime, { sum: () => instance.exports.sum(SUM_STEP, end), run });
  const share = overRounds(times, (ms) => ms.sum / ms.run);
  const speed = overRounds(times, ({ run: ms }) => bytes / ms / 1e6);
  console.log(
    `one query, ${length} keys, H=${heads} (${kernel.plan.algorithm}): ${speed.toFixed(1)} GB/s,`,
    `${percent(share)} of a sum over the same bytes`,
  );
  await backend.dispose();
}

async function long(heads, length) {
  const request = requestOf(heads, length, length);
  const { backend, run } = await prepared({}, request);
  const start = performance.now();
  const { output } = await run();
  const seconds = (performance.now() - start) / 1000;
  const rows = [0, 1, 4095, 8192, 12287, length - 1];
  const rowsOf = ({ data }) =>
    Array.from({ length: heads }, (_, head) =>
      rows.map((row) => [...data.subarray((head * length + row) * D, (head * length + row + 1) * D)]),
    ).flat(2);
  const query = tensor(Float32Array.from(rowsOf(request.query)), [1, heads, rows.length, D]);
  const expected = (await attention(await reference.create(), { ...request, query })).output.data;
  const error = rowsOf(output).reduce((most, x, n) => Math.max(most, Math.abs(x - expected[n])), 0);
  console.log(
    `N=${length} H=${heads}: ${seconds.toFixed(1)} s on ${backend.device};`,
    `${rows.length} rows a head differ from the reference by ${error.toExponential(1)} at most`,
  );
  await backend.dispose();
}

/** Cost of the first problem of a process. */
async function firstCompile() {
  const backend = createBackend(await startEngine({ threads: 1 }));
  const { problem } = resolveRequest({ ...requestOf(1, 512, 512), causal: true });
  const start = performance.now();
  await backend.compile(problem);
  console.log(performance.now() - start);
}

function compiling() {
  const command = [fileURLToPath(import.meta.url), 'first-compile'];
  const times = Array.from({ length: ROUNDS }, () =>
    Number(spawnSync(process.execPath, command, { encoding: 'utf8' }).stdout),
  );
  console.log(
    `the first module of a process: ${median(times).toFixed(1)} ms, at most ${Math.max(...times).toFixed(1)} ms`,
  );
}

const parts = {
  peak: async () => {
    for (const length of [512, 1024, 2048]) await shareOfPeak({}, length);
    await shareOfPeak({ relaxedSimd: false }, 2048);
  },
  linear: async () => {
    for (const rows of [1, 2, 3, 4, 10, 512]) await linearShare(rows, 384, 1536);
    await linearShare(512, 1536, 384);
  },
  limits: () => limits(2048),
  threads: () => scaling(2048),
  decode: () => decoding(4, 65_536),
  compile: compiling,
  long: () => long(8, 16_384),
};

const [only] = process.argv.slice(2);
if (only === 'first-compile') await firstCompile();
else {
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0].model}`);
  for (const [name, part] of Object.entries(parts)) if (only === undefined || only === name) await part();
}

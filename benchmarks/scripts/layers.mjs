// Whole layers on the engines, beside PyTorch and ONNX Runtime: multi-head attention (E=768, 12 heads, 512 tokens) forward, with its
// weights and with its gradient; a decoding step of the same layer at 1,000 tokens beside a loop by hand on attention(); and
// all-MiniLM-L6-v2 for a sentence of 10 tokens and a batch of 32 sentences of 16.
//
//   node scripts/layers.mjs [--backends native,wasm] [--threads 1] [--rounds 15] [--python BIN] [--model FOLDER] [--only TEXT]
//
// In turns, medians in milliseconds, after the embeddings of all were compared, and after all ran for some seconds: V8 optimizes code
// that has run often, and a service runs it often. PyTorch runs nn.MultiheadAttention in inference mode,
// and MiniLM in bare functions of torch.nn.functional (python/layers_server.py). onnxruntime-node runs a model of the same weights,
// which python/minilm_onnx.py writes. Both need a Python, with torch and onnx. `--only` keeps the workloads whose name has the text.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openAsBlob, readFileSync, rmSync } from 'node:fs';
import { cpus, homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { attention, tensor } from '@heed/core';
import { MultiHeadAttention, openSafetensors, seededRandom } from '../../packages/layers/dist/index.js';
import { Encoder } from '../../packages/models/dist/index.js';
import { median } from './median.mjs';

const { values } = parseArgs({
  options: {
    backends: { type: 'string', default: 'native,wasm' },
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '15' },
    python: { type: 'string' },
    model: { type: 'string', default: path.join(homedir(), '.cache', 'heed', 'all-MiniLM-L6-v2') },
    only: { type: 'string', default: '' },
  },
});
const threads = Number(values.threads);
const rounds = Number(values.rounds);
const [E, HEADS, LENGTH, CONTEXT] = [768, 12, 512, 1000];
/** Milliseconds of a workload's runs before its first round. */
const WARM_UP = 4000;
const D = E / HEADS;
const random = seededRandom(1);
const rowsOf = (batch, length) =>
  tensor(
    Float32Array.from({ length: batch * length * E }, () => random() - 0.5),
    [batch, length, E],
  );
const inputs = { 1: rowsOf(1, LENGTH), 8: rowsOf(8, LENGTH) };
const idsOf = (batch, length) =>
  Array.from({ length: batch }, (_, b) => Array.from({ length }, (__, n) => 2000 + 37 * b + n));
const SENTENCES = {
  'MiniLM, 1 sentence of 10 tokens': idsOf(1, 10),
  'MiniLM, 32 sentences of 16': idsOf(32, 16),
};
const hasModel = existsSync(path.join(values.model, 'model.safetensors'));
const FORWARD = [1, 8].flatMap((batch) => [
  [`attention forward, B=${batch}`, batch, false],
  [`attention forward with weights, B=${batch}`, batch, true],
]);
const GRADIENT = 'attention with gradient, B=1';
const DECODING = `decoding step at ${CONTEXT} tokens`;

const timed = async (work) => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/** Milliseconds of one of many steps: the first ones of a process run before their code is optimized. */
async function perStep(step) {
  const count = 100;
  const milliseconds = await timed(async () => {
    for (let n = 0; n < count; n++) await step();
  });
  return milliseconds / count;
}

/** Means of the rows of each text, at length 1. */
function embeddings(rows, [batch, length]) {
  const width = rows.length / batch / length;
  return Array.from({ length: batch }, (_, b) => {
    const mean = Array.from({ length: width }, (__, e) => {
      let sum = 0;
      for (let n = 0; n < length; n++) sum += rows[(b * length + n) * width + e];
      return sum;
    });
    const size = Math.hypot(...mean);
    return mean.map((value) => value / size);
  }).flat();
}

/** A decoding step through the layer, and one by hand with the same projections, cache and attention; their outputs are compared. */
async function decoding(backend, layer) {
  const token = rowsOf(1, 1);
  const prompt = rowsOf(1, CONTEXT);
  const cache = await layer.cache(backend, { capacity: CONTEXT + 8 });
  await layer.forward(backend, { query: prompt, causal: true, cache });
  const throughLayer = async () => {
    const { output } = await layer.forward(backend, { query: token, cache });
    cache.truncate(CONTEXT);
    return output;
  };
  const kernel = await backend.linear.compile({ inputDim: E, outputDim: E, bias: true });
  const packed = {};
  for (const name of ['query', 'key', 'value', 'output']) {
    const { [`${name}.weight`]: weight, [`${name}.bias`]: bias } = layer.parameters;
    packed[name] = await kernel.pack({ weight, bias });
  }
  const project = async (name, input) => (await kernel.run({ input, weights: packed[name] })).output;
  const heads = ({ dtype, data }, length) => ({ dtype, data, shape: [1, length, HEADS, D] });
  const swapped = ({ data, shape: [, length] }) => {
    const out = new Float32Array(data.length);
    for (let n = 0; n < length; n++)
      for (let h = 0; h < HEADS; h++)
        out.set(data.subarray((n * HEADS + h) * D, (n * HEADS + h + 1) * D), (h * length + n) * D);
    return tensor(out, [1, HEADS, length, D]);
  };
  const kept = {};
  for (const name of ['key', 'value']) {
    kept[name] = await backend.allocate('float32', [1, HEADS, CONTEXT + 8, D]);
    await kept[name].write(swapped(heads(await project(name, prompt), CONTEXT)), { axis: 2, start: 0 });
  }
  // One row of all heads is the same in both layouts.
  const row = ({ dtype, data }) => ({ dtype, data, shape: [1, HEADS, 1, D] });
  const byHand = async () => {
    const query = row(await project('query', token));
    await kept.key.write(row(await project('key', token)), { axis: 2, start: CONTEXT });
    await kept.value.write(row(await project('value', token)), { axis: 2, start: CONTEXT });
    const { output } = await attention(backend, {
      query,
      ...kept,
      keyLengths: [CONTEXT + 1],
      alignment: 'bottomRight',
    });
    return project('output', { dtype: output.dtype, data: output.data, shape: [1, 1, E] });
  };
  const [first, second] = [await throughLayer(), await byHand()];
  const difference = Math.max(...first.data.map((value, n) => Math.abs(value - second.data[n])));
  if (!(difference < 1e-5)) throw new Error(`decoding: the loop by hand differs by ${difference}`);
  return { throughLayer, byHand };
}

/** Runs of a contestant: the workload, its name there, and a function that returns milliseconds. */
async function heed(backendName) {
  const { default: provider } = await import(`../../packages/backend-${backendName}/dist/index.js`);
  const backend = await provider.create(backendName === 'ts' ? {} : { threads });
  const name = `${backendName} (${backend.device})`;
  const layer = new MultiHeadAttention({ embedDim: E, heads: HEADS, random: seededRandom(2) }).freeze();
  const trained = new MultiHeadAttention({ embedDim: E, heads: HEADS, random: seededRandom(2) });
  const encoder =
    hasModel &&
    (await Encoder.load(backend, {
      config: JSON.parse(readFileSync(path.join(values.model, 'config.json'), 'utf8')),
      weights: await openSafetensors(await openAsBlob(path.join(values.model, 'model.safetensors'))),
    }));
  const tokensOf = (ids) => encoder.run(tensor(Int32Array.from(ids.flat()), [ids.length, ids[0].length]));
  const steps = await decoding(backend, layer);
  return {
    name,
    runs: [
      ...FORWARD.map(([workload, batch, weights]) => ({
        workload,
        name,
        run: () => timed(() => layer.forward(backend, { query: inputs[batch] }, { weights })),
      })),
      {
        workload: GRADIENT,
        name,
        run: () =>
          timed(async () => {
            const { output, gradient } = await trained.forward(
              backend,
              { query: inputs[1] },
              { gradient: true },
            );
            await gradient(output);
          }),
      },
      { workload: DECODING, name: `${name}, the layer`, run: () => perStep(steps.throughLayer) },
      { workload: DECODING, name: `${name}, a loop by hand`, run: () => perStep(steps.byHand) },
      ...(hasModel ? Object.entries(SENTENCES) : []).map(([workload, ids]) => ({
        workload,
        name,
        run: () => timed(() => tokensOf(ids)),
        embed: async () => embeddings((await tokensOf(ids)).tokens.data, [ids.length, ids[0].length]),
      })),
    ],
    end: () => backend.dispose(),
  };
}

async function pytorch(python) {
  const script = fileURLToPath(new URL('../python/layers_server.py', import.meta.url));
  const child = spawn(python, [script, String(threads), ...(hasModel ? [values.model] : [])], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  const name = await next();
  const ask = async (...words) => {
    child.stdin.write(`${words.join(' ')}\n`);
    return JSON.parse(await next());
  };
  const text = (ids) => JSON.stringify(ids).replaceAll(' ', '');
  return {
    name,
    runs: [
      ...FORWARD.map(([workload, batch, weights]) => ({
        workload,
        name,
        run: () => ask('mha', batch, Number(weights)),
      })),
      { workload: GRADIENT, name, run: () => ask('gradient') },
      ...(hasModel ? Object.entries(SENTENCES) : []).map(([workload, ids]) => ({
        workload,
        name,
        run: () => ask('minilm', text(ids)),
        embed: () => ask('embed', text(ids)),
      })),
    ],
    end: () => child.stdin.end(),
  };
}

async function onnxruntime(python) {
  const { default: ort } = await import('onnxruntime-node');
  const folder = mkdtempSync(path.join(tmpdir(), 'heed-onnx-'));
  const file = path.join(folder, 'minilm.onnx');
  const script = fileURLToPath(new URL('../python/minilm_onnx.py', import.meta.url));
  execFileSync(python, [script, values.model, file], { stdio: 'inherit' });
  const session = await ort.InferenceSession.create(file, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  rmSync(folder, { recursive: true });
  const name = `ONNX Runtime ${ort.env.versions.node}, ${threads} threads`;
  const rows = async (ids) => {
    const feeds = { ids: new ort.Tensor('int32', Int32Array.from(ids.flat()), [ids.length, ids[0].length]) };
    return (await session.run(feeds)).rows.data;
  };
  return {
    name,
    runs: Object.entries(SENTENCES).map(([workload, ids]) => ({
      workload,
      name,
      run: () => timed(() => rows(ids)),
      embed: async () => embeddings(await rows(ids), [ids.length, ids[0].length]),
    })),
    end: () => session.release(),
  };
}

const contestants = [];
for (const name of values.backends.split(',').filter(Boolean)) contestants.push(await heed(name));
if (values.python !== undefined) contestants.push(await pytorch(values.python));
if (values.python !== undefined && hasModel) contestants.push(await onnxruntime(values.python));
const runs = contestants
  .flatMap(({ runs: its }) => its)
  .filter(({ workload }) => workload.includes(values.only));
console.log(`${cpus()[0]?.model}, Node ${process.version}, ${threads} threads, medians of ${rounds} rounds`);
for (const workload of new Set(runs.map((run) => run.workload))) {
  const mine = runs.filter((run) => run.workload === workload);
  const embedded = [];
  for (const { name, embed } of mine) {
    if (embed === undefined) continue;
    embedded.push(await embed());
    const difference = Math.max(...embedded.at(-1).map((value, n) => Math.abs(value - embedded[0][n])));
    if (!(difference < 1e-4)) throw new Error(`${workload}: ${name} differs by ${difference}`);
  }
  const times = mine.map(() => []);
  const began = performance.now();
  for (let round = 0; round < 3 || performance.now() - began < WARM_UP; round++) {
    for (const { run } of mine) await run();
  }
  for (let round = 0; round < rounds; round++) {
    for (const [n, { run }] of mine.entries()) times[n].push(await run());
  }
  for (const [n, { name }] of mine.entries()) {
    console.log(`${workload}: ${median(times[n]).toFixed(2).padStart(8)} ms  ${name}`);
  }
}
for (const contestant of contestants) await contestant.end();

// Whole layers on the engines, beside PyTorch where its Python is given: multi-head attention (E=768, 12 heads, 512 tokens) forward
// and with its gradient, and all-MiniLM-L6-v2 for a sentence of 10 tokens and a batch of 32 sentences of 16.
//
//   node scripts/layers.mjs [--backends native,wasm] [--threads 1] [--rounds 15] [--python BIN] [--model FOLDER]
//
// In turns, medians in milliseconds. PyTorch runs nn.MultiheadAttention in inference mode without weights, and MiniLM in bare
// functions of torch.nn.functional (python/layers_server.py).
import { spawn } from 'node:child_process';
import { existsSync, openAsBlob, readFileSync } from 'node:fs';
import { cpus, homedir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { tensor } from '@heed/core';
import { MultiHeadAttention, openSafetensors, seededRandom } from '../../packages/layers/dist/index.js';
import { Encoder } from '../../packages/models/dist/index.js';

const { values } = parseArgs({
  options: {
    backends: { type: 'string', default: 'native,wasm' },
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '15' },
    python: { type: 'string' },
    model: { type: 'string', default: path.join(homedir(), '.cache', 'heed', 'all-MiniLM-L6-v2') },
  },
});
const threads = Number(values.threads);
const rounds = Number(values.rounds);
const [E, HEADS, LENGTH] = [768, 12, 512];
const random = seededRandom(1);
const query = tensor(
  Float32Array.from({ length: LENGTH * E }, () => random() - 0.5),
  [1, LENGTH, E],
);
const idsOf = (batch, length) =>
  Array.from({ length: batch }, (_, b) => Array.from({ length }, (__, n) => 2000 + 37 * b + n));
const SENTENCES = {
  'MiniLM, 1 sentence of 10 tokens': idsOf(1, 10),
  'MiniLM, 32 sentences of 16': idsOf(32, 16),
};
const hasModel = existsSync(path.join(values.model, 'model.safetensors'));

async function heed(name) {
  const { default: provider } = await import(`../../packages/backend-${name}/dist/index.js`);
  const backend = await provider.create(name === 'ts' ? {} : { threads });
  const layer = new MultiHeadAttention({ embedDim: E, heads: HEADS, random: seededRandom(2) }).freeze();
  const trained = new MultiHeadAttention({ embedDim: E, heads: HEADS, random: seededRandom(2) });
  const encoder =
    hasModel &&
    (await Encoder.load(backend, {
      config: JSON.parse(readFileSync(path.join(values.model, 'config.json'), 'utf8')),
      weights: await openSafetensors(await openAsBlob(path.join(values.model, 'model.safetensors'))),
    }));
  const timed = async (work) => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  return {
    name: `${name} (${backend.device})`,
    mha: () => timed(() => layer.forward(backend, { query })),
    gradient: () =>
      timed(async () => {
        const { output, gradient } = await trained.forward(backend, { query }, { gradient: true });
        await gradient(output);
      }),
    minilm: (ids) => {
      const given = tensor(Int32Array.from(ids.flat()), [ids.length, ids[0].length]);
      return timed(() => encoder.run(given));
    },
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
  const ask = async (line) => {
    child.stdin.write(`${line}\n`);
    return Number(await next());
  };
  return {
    name,
    mha: () => ask('mha'),
    gradient: () => ask('gradient'),
    minilm: (ids) => ask(`minilm ${JSON.stringify(ids).replaceAll(' ', '')}`),
    end: () => child.stdin.end(),
  };
}

const contestants = [];
for (const name of values.backends.split(',').filter(Boolean)) contestants.push(await heed(name));
if (values.python !== undefined) contestants.push(await pytorch(values.python));
const workloads = {
  'attention forward': (one) => one.mha(),
  'attention with gradient': (one) => one.gradient(),
  ...(hasModel &&
    Object.fromEntries(Object.entries(SENTENCES).map(([name, ids]) => [name, (one) => one.minilm(ids)]))),
};
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
console.log(`${cpus()[0]?.model}, Node ${process.version}, ${threads} threads, medians of ${rounds} rounds`);
for (const [workload, run] of Object.entries(workloads)) {
  const times = contestants.map(() => []);
  for (let round = -3; round < rounds; round++) {
    for (const [n, contestant] of contestants.entries()) {
      const milliseconds = await run(contestant);
      if (round >= 0) times[n].push(milliseconds);
    }
  }
  for (const [n, { name }] of contestants.entries()) {
    console.log(`${workload}: ${median(times[n]).toFixed(2).padStart(8)} ms  ${name}`);
  }
}
for (const contestant of contestants) await contestant.end();

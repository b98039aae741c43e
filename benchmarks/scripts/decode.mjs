// Tokens a second of a trained decoder on each backend, beside node-llama-cpp where it can be imported: the same file, threads and
// contexts. A step takes one token and gives the scores of the next; the text before it is made of random tokens.
//
//   node scripts/decode.mjs [--model FILE.gguf] [--backends native,wasm] [--threads 2] [--contexts 32,1024] [--steps 24]
//                          [--cache float32] [--llama FOLDER]
//
// Without --model, the SmolLM2 that `pnpm --filter @heed/models provision` fetched. `--llama` is a folder whose node_modules has
// node-llama-cpp, whose cache is float16 (npm install --ignore-scripts node-llama-cpp). Medians of the steps of one round after
// the other; MB are those of array buffers and of the process.
import { openAsBlob } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { Decoder, openGGUF } from '../../packages/models/dist/index.js';
import { median } from './median.mjs';
import { SMOLLM2, idAt } from './smollm2.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: SMOLLM2 },
    backends: { type: 'string', default: 'native,wasm' },
    threads: { type: 'string', default: '2' },
    contexts: { type: 'string', default: '32,1024' },
    steps: { type: 'string', default: '24' },
    cache: { type: 'string', default: 'float32' },
    llama: { type: 'string' },
  },
});
const threads = Number(values.threads);
const contexts = values.contexts.split(',').map(Number);
const steps = Number(values.steps);

async function heed(name) {
  const { default: provider } = await import(`../../packages/backend-${name}/dist/index.js`);
  const backend = await provider.create(name === 'ts' ? {} : { threads });
  const model = await Decoder.load(backend, await openGGUF(await openAsBlob(values.model)));
  const texts = [];
  for (const context of contexts) {
    const cacheOfText = await model.cache({ capacity: context + steps + 2, type: values.cache });
    const start = performance.now();
    await model.run([Array.from({ length: context }, (_, n) => idAt(n))], {
      cache: cacheOfText,
      logits: 'none',
    });
    texts.push({ cache: cacheOfText, prefill: performance.now() - start });
  }
  return {
    name: `${name} (${backend.device}, cache ${values.cache})`,
    prefill: (n) => texts[n].prefill,
    step: (n, token) => model.run([[token]], { cache: texts[n].cache }),
    end: () => backend.dispose(),
  };
}

async function llama(folder) {
  const require = createRequire(path.resolve(folder, 'package.json'));
  const { getLlama } = await import(pathToFileURL(require.resolve('node-llama-cpp')).href);
  const engine = await getLlama({ gpu: false, build: 'never', maxThreads: threads });
  const model = await engine.loadModel({ modelPath: values.model });
  const texts = [];
  for (const context of contexts) {
    const own = await model.createContext({ contextSize: context + steps + 8, threads, sequences: 1 });
    const sequence = own.getSequence();
    const start = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(Array.from({ length: context }, (_, n) => idAt(n)));
    texts.push({ sequence, prefill: performance.now() - start });
  }
  return {
    name: 'node-llama-cpp (CPU)',
    prefill: (n) => texts[n].prefill,
    step: (n, token) => texts[n].sequence.controlledEvaluate([[token, { generateNext: { token: true } }]]),
    end: () => engine.dispose(),
  };
}

const contestants = [];
for (const name of values.backends.split(',').filter(Boolean)) contestants.push(await heed(name));
if (values.llama !== undefined) contestants.push(await llama(values.llama));
const times = contestants.map(() => contexts.map(() => []));
for (let step = -2; step < steps; step++) {
  for (const [c, contestant] of contestants.entries()) {
    for (const n of contexts.keys()) {
      const start = performance.now();
      await contestant.step(n, idAt(step + 2));
      if (step >= 0) times[c][n].push(performance.now() - start);
    }
  }
}
const megabytes = (bytes) => Math.round(bytes / 2 ** 20);
const { rss, arrayBuffers } = process.memoryUsage();
console.log(`${path.basename(values.model)}, ${threads} threads, Node ${process.version}, ${steps} steps`);
for (const [c, contestant] of contestants.entries()) {
  for (const [n, context] of contexts.entries()) {
    const ms = median(times[c][n]);
    const prefill = ((1000 * context) / contestant.prefill(n)).toFixed(0);
    console.log(
      `${contestant.name}: ${context} tokens before: ${(1000 / ms).toFixed(1)} tokens/s (${ms.toFixed(1)} ms), prefill ${prefill} tokens/s`,
    );
  }
}
console.log(
  `all together: ${megabytes(arrayBuffers)} MB of array buffers, ${megabytes(rss)} MB of the process`,
);
for (const contestant of contestants) await contestant.end();

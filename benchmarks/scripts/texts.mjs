// Tokens a second of a trained decoder that takes a token of each of several texts in a step (`Decoder.step`), in pages.
// Each text has as many random tokens before.
//
//   node scripts/texts.mjs [--model FILE.gguf] [--backends native,wasm] [--threads 2] [--texts 1,4,16] [--context 256] [--steps 12]
//                         [--cache float32]
//
// Without --model, the SmolLM2 that `pnpm --filter @heed/models provision` fetched. Medians of steps in turns; the ratio is to the
// first number of texts. Then as many answers of 32 tokens as the largest of these numbers, by `generate`: one after another, and in
// a `DecoderBatch` at once, prompts included.
import { openAsBlob } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  Decoder,
  DecoderBatch,
  generate,
  ggufTokenizer,
  openGGUF,
} from '../../packages/models/dist/index.js';
import { median } from './median.mjs';
import { SMOLLM2, idAt } from './smollm2.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: SMOLLM2 },
    backends: { type: 'string', default: 'native,wasm' },
    threads: { type: 'string', default: '2' },
    texts: { type: 'string', default: '1,4,16' },
    context: { type: 'string', default: '256' },
    steps: { type: 'string', default: '12' },
    cache: { type: 'string', default: 'float32' },
  },
});
const threads = Number(values.threads);
const counts = values.texts.split(',').map(Number);
const context = Number(values.context);
const steps = Number(values.steps);
const PAGE = 16;

async function inPages(model, count) {
  const pages = await model.pages({
    pages: count * Math.ceil((context + steps + 2) / PAGE),
    type: values.cache,
  });
  const texts = Array.from({ length: count }, () => pages.open());
  for (const [n, text] of texts.entries()) {
    const ids = Array.from({ length: context }, (_, at) => idAt(at + n * context));
    await model.step(pages, [{ text, ids, logits: 'none' }]);
  }
  return {
    name: `${count} ${count === 1 ? 'text' : 'texts'}`,
    tokens: count,
    step: (token) =>
      model.step(
        pages,
        texts.map((text, n) => ({ text, ids: [token + n] })),
      ),
  };
}

const ROUNDS = 3;
const ANSWER = 32;

/** Tokens a second of answers to prompts, one after another and at once. */
async function answers(model, tokenizer, count) {
  const prompts = Array.from({ length: count }, (_, n) =>
    tokenizer.chat([{ role: 'user', content: `What is ${n + 2} times ${3 * n + 5}?` }]),
  );
  const batch = await DecoderBatch.create(model, { pages: 16 * count });
  const answer = async (prompt, how) => {
    const options = { maximum: ANSWER, ignoreEnd: true, ...how };
    for await (const step of generate(model, tokenizer, prompt, options)) void step;
  };
  const ways = [
    async () => {
      for (const prompt of prompts) await answer(prompt, {});
    },
    () => Promise.all(prompts.map((prompt) => answer(prompt, { batch }))),
  ];
  const rates = ways.map(() => []);
  for (let round = -1; round < ROUNDS; round++) {
    for (const [n, way] of ways.entries()) {
      const start = performance.now();
      await way();
      if (round >= 0) rates[n].push((1000 * ANSWER * count) / (performance.now() - start));
    }
  }
  batch.dispose();
  return rates.map(median);
}

console.log(
  `${path.basename(values.model)}, ${threads} threads, Node ${process.version}, ${context} tokens before, cache ${values.cache}`,
);
for (const name of values.backends.split(',').filter(Boolean)) {
  const { default: provider } = await import(`../../packages/backend-${name}/dist/index.js`);
  const backend = await provider.create(name === 'ts' ? {} : { threads });
  const file = await openGGUF(await openAsBlob(values.model));
  const model = await Decoder.load(backend, file);
  const ways = [];
  for (const count of counts) ways.push(await inPages(model, count));
  const times = ways.map(() => []);
  for (let step = -2; step < steps; step++) {
    for (const [n, way] of ways.entries()) {
      const start = performance.now();
      await way.step(idAt(step + 2));
      if (step >= 0) times[n].push(performance.now() - start);
    }
  }
  const rateOf = (n) => (1000 * ways[n].tokens) / median(times[n]);
  for (const [n, { name: how }] of ways.entries()) {
    const ms = median(times[n]).toFixed(1);
    console.log(
      `${name} (${backend.device}), ${how}: ${rateOf(n).toFixed(1)} tokens/s, ${(rateOf(n) / rateOf(0)).toFixed(2)} ×, a step ${ms} ms`,
    );
  }
  const most = Math.max(...counts);
  const [inTurn, atOnce] = await answers(model, ggufTokenizer(file), most);
  console.log(
    `${name}, ${most} answers: ${inTurn.toFixed(1)} tokens/s one after another, ${atOnce.toFixed(1)} in a batch, ${(atOnce / inTurn).toFixed(2)} ×`,
  );
  await backend.dispose();
}

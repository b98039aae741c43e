// pnpm --filter @heed/examples sentences [--model FOLDER] [--backend NAME] [SENTENCE …]
import { sentenceEmbeddings } from '@heed/models';
import { parseArgs } from 'node:util';
import { createBackend } from '../backends.ts';
import { cosine } from './cosine.ts';
import { loadSentenceModel, provisionedFolder, sentenceFault } from './sentence-model.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: provisionedFolder },
    backend: { type: 'string', default: 'wasm' },
  },
});
const fault = sentenceFault(values.model);
if (fault !== null) {
  console.error(fault);
  process.exit(2);
}
const sentences =
  positionals.length > 1
    ? positionals
    : [
        'The bank of the river was muddy.',
        "She sat on the river's edge and watched the water.",
        'The bank approved the loan.',
        'He borrowed money to buy a house.',
      ];

const backend = await createBackend(values.backend);
const { encoder, tokenizer } = await loadSentenceModel(backend, values.model);
const start = performance.now();
const embeddings = await sentenceEmbeddings(encoder, tokenizer, sentences);
const time = performance.now() - start;

const [first, ...others] = sentences;
console.log(`${backend.name}, ${backend.device}: ${sentences.length} sentences in ${time.toFixed(0)} ms\n`);
console.log(`How near to "${first}"`);
others
  .map((text, n) => ({ text, nearness: cosine(embeddings, 0, n + 1) }))
  .sort((a, b) => b.nearness - a.nearness)
  .forEach(({ text, nearness }) => console.log(`  ${nearness.toFixed(3)}  ${text}`));
await backend.dispose();

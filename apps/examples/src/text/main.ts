// pnpm --filter @heed/examples text [QUESTION] [--model FILE] [--backend NAME] [--maximum N] [--temperature T --seed N]
import { generate } from '@heed/models';
import { parseArgs } from 'node:util';
import { createBackend } from '../backends.ts';
import { fileFault, loadText, provisionedFile } from './smollm2.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: provisionedFile },
    backend: { type: 'string', default: 'wasm' },
    maximum: { type: 'string', default: '60' },
    temperature: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
  },
});
const fault = fileFault(values.model);
if (fault !== null) {
  console.error(fault);
  process.exit(2);
}
const [question = 'Why is the sky blue?'] = positionals;
const backend = await createBackend(values.backend);
const { model, tokenizer } = await loadText(backend, values.model);
const temperature = Number(values.temperature);
console.log(`${question}\n`);
const start = performance.now();
let tokens = 0;
for await (const { text } of generate(
  model,
  tokenizer,
  tokenizer.chat([{ role: 'user', content: question }]),
  { maximum: Number(values.maximum), ...(temperature > 0 && { temperature, seed: Number(values.seed) }) },
)) {
  process.stdout.write(text);
  tokens++;
}
const seconds = (performance.now() - start) / 1000;
console.log(
  `\n\n${backend.name}, ${backend.device}: ${tokens} tokens, ${(tokens / seconds).toFixed(1)} a second`,
);
await backend.dispose();

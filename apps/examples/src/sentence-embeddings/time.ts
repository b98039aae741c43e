// pnpm --filter @heed/examples time-sentences [--model FOLDER]
// One sentence at a time on every backend that is present, in turns; medians. scripts/time_pytorch.py does the same in
// PyTorch.
import { sentenceEmbeddings } from '@heed/models';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { absenceOf } from '../absent.ts';
import { BACKENDS, createBackend } from '../backends.ts';
import { loadSentenceModel, provisionedFolder, sentenceFault } from './sentence-model.ts';

const { values } = parseArgs({ options: { model: { type: 'string', default: provisionedFolder } } });
const fault = sentenceFault(values.model);
if (fault !== null) {
  console.error(fault);
  process.exit(2);
}
const ROUNDS = 30;
const sentence = ['The bank of the river was muddy.'];
const present: (typeof BACKENDS)[number][] = [];
for (const name of BACKENDS) if ((await absenceOf(name)) === null) present.push(name);
const contestants = await Promise.all(
  present.map(async (name) => ({ name, backend: await createBackend(name), times: [] as number[] })),
);
const { encoder, tokenizer } = await loadSentenceModel(contestants[0]!.backend, values.model);
for (let round = -5; round < ROUNDS; round++) {
  for (const { backend, times } of contestants) {
    const start = performance.now();
    await sentenceEmbeddings(encoder.on(backend), tokenizer, sentence);
    if (round >= 0) times.push(performance.now() - start);
  }
}
console.log(
  `${os.cpus()[0]?.model}, ${os.cpus().length} cores, Node ${process.version}; ${tokenizer.encode(sentence[0]!).length} tokens`,
);
for (const { name, backend, times } of contestants) {
  const median = times.sort((a, b) => a - b)[ROUNDS / 2];
  console.log(`${name.padEnd(10)} ${median.toFixed(1).padStart(7)} ms   ${backend.device}`);
  await backend.dispose();
}

// pnpm --filter @heed/examples speech [FILE.wav] [--model FOLDER] [--backend NAME]
import { meanOverHeads, overAudio, toSVG } from '@heed/heatmap';
import { type TimedWord, readWav } from '@heed/models';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createBackend } from '../backends.ts';
import { folderFault, provisioned } from '../model-files.ts';
import { alignmentWeights } from './alignment.ts';
import { speechPicture } from './picture.ts';
import { WHISPER_FILES, loadWhisper } from './whisper-folder.ts';

const CLIP = fileURLToPath(new URL('../../../../packages/models/cases/speech/beckett.wav', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: provisioned('whisper-tiny.en') },
    backend: { type: 'string', default: 'wasm' },
  },
});
const fault = folderFault(values.model, WHISPER_FILES);
if (fault !== null) {
  console.error(fault);
  process.exit(2);
}
const sound = readWav(readFileSync(positionals[0] ?? CLIP));
const seconds = sound.samples.length / sound.sampleRate;
const backend = await createBackend(values.backend);
const { model, tokenizer } = await loadWhisper(backend, values.model);

const start = performance.now();
const words: TimedWord[] = [];
const ids: number[] = [];
for await (const segment of model.segments(sound, tokenizer, { words: true })) {
  console.log(
    `${segment.start.toFixed(2).padStart(7)} – ${segment.end.toFixed(2)} s  ${segment.text.trim()}`,
  );
  for (const { text, start: from, end, probability } of segment.words) {
    console.log(
      `${from.toFixed(2).padStart(9)} ${end.toFixed(2).padStart(7)}  ${text.trim()} (${probability.toFixed(2)})`,
    );
  }
  words.push(...segment.words);
  if (segment.end <= 30) ids.push(...segment.ids);
}
const time = (performance.now() - start) / 1000;
console.log(
  `\n${backend.name}, ${backend.device}: ${seconds.toFixed(1)} s of sound in ${time.toFixed(1)} s, ${(seconds / time).toFixed(1)} times as fast as it is spoken`,
);

mkdirSync('heatmaps', { recursive: true });
writeFileSync('heatmaps/speech.svg', speechPicture(sound, words));
console.log('\nheatmaps/speech.svg');
if (ids.length > 0) {
  const { weights, samples } = await alignmentWeights(model, sound, ids);
  const rows = ids.map((id) => tokenizer.decode([id]));
  const title = 'Where each token looks in the sound';
  const view = overAudio(meanOverHeads(weights), { batch: 0, rows, samples, secondsPerFrame: 0.02, title });
  writeFileSync('heatmaps/speech-weights.svg', toSVG(view));
  console.log('heatmaps/speech-weights.svg');
}
await backend.dispose();

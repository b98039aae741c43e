import type { AttentionBackend } from '@heed/core';
import { overAudio, toSVG } from '@heed/heatmap';
import { Adam, seededRandom } from '@heed/layers';
import { type Example, countOf } from '../example.ts';
import { Listener } from './listener.ts';
import { FRAME, FRAMES, SAMPLE_RATE, type Sound, randomSound, spectrum } from './sounds.ts';

const STEPS = 250;
const BATCH = 32;
const TRAINED_ON = 1500;
const TESTED = 300;

/** A sound and its spectrum. */
interface Heard extends Sound {
  readonly spectrum: Float32Array;
}

const heard = (sound: Sound): Heard => ({ ...sound, spectrum: spectrum(sound.samples) });

function spectraOf(sounds: readonly Heard[]): Float32Array {
  const size = sounds[0].spectrum.length;
  const result = new Float32Array(sounds.length * size);
  sounds.forEach((sound, n) => result.set(sound.spectrum, n * size));
  return result;
}

const share = (matches: readonly boolean[]): number => matches.filter(Boolean).length / matches.length;

/** Both models on the same sounds. */
async function train(backend: AttentionBackend, models: readonly Listener[], seed: number): Promise<void> {
  const random = seededRandom(1000 + seed);
  const optimizers = models.map(() => new Adam({ learningRate: 0.01 }));
  const known = Array.from({ length: TRAINED_ON }, () => heard(randomSound(random)));
  for (let step = 0; step < STEPS; step++) {
    const sounds = Array.from({ length: BATCH }, () => known[Math.floor(random() * TRAINED_ON)]);
    const spectra = spectraOf(sounds);
    for (const [n, model] of models.entries()) {
      const gradients = await model.gradient(
        backend,
        spectra,
        sounds.map(({ note }) => note),
      );
      optimizers[n].step(model.parameters, gradients);
    }
  }
}

export const keyFrames: Example = {
  name: 'key-frames',
  claim:
    'With additive attention the note that rings with the bell is named, and its frame pointed at; the mean of all frames does not tell.',
  async run(backend, seed) {
    const models = [true, false].map((attention) => new Listener(attention, seededRandom(seed)));
    await train(backend, models, seed);
    const random = seededRandom(2000 + seed);
    const sounds = Array.from({ length: TESTED }, () => heard(randomSound(random)));
    const [attending, averaging] = await Promise.all(
      models.map((model) => model.listen(backend, spectraOf(sounds))),
    );
    const right = (notes: Int32Array): number => share(sounds.map(({ note }, n) => notes[n] === note));
    const weights = attending.weights!.data;
    const pointed = sounds.map(({ bell }, n) => {
      const row = weights.subarray(n * FRAMES, (n + 1) * FRAMES);
      return row.indexOf(Math.max(...row)) === bell;
    });
    const view = overAudio(attending.weights!, {
      batch: 0,
      rows: ['the bell'],
      secondsPerFrame: FRAME / SAMPLE_RATE,
      samples: sounds[0].samples,
      title: 'Which frame is listened to',
    });
    return {
      measures: [
        { what: 'notes named, with attention', value: right(attending.notes), atLeast: 0.95 },
        { what: 'the most attended frame is the one of the bell', value: share(pointed), atLeast: 0.95 },
        { what: 'notes named, without', value: right(averaging.notes), atMost: 0.6 },
      ],
      parameters: [countOf(models[0].parameters), countOf(models[1].parameters)],
      steps: STEPS,
      picture: toSVG(view),
    };
  },
};

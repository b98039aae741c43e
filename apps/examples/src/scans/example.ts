import type { AttentionBackend } from '@heed/core';
import { overImage, toSVG } from '@heed/heatmap';
import { Adam, seededRandom } from '@heed/layers';
import { type Example, countOf } from '../example.ts';
import { reshape } from '../tensors.ts';
import { GRID, type Picture, patchesOf, randomPicture } from './pictures.ts';
import { Reader } from './reader.ts';

const STEPS = 450;
const BATCH = 32;
const TRAINED_ON = 4000;
const TESTED = 300;

function patches(pictures: readonly Picture[]): Float32Array {
  const all = pictures.map(patchesOf);
  const result = new Float32Array(all.length * all[0].length);
  all.forEach((one, n) => result.set(one, n * one.length));
  return result;
}

/** Both models on the same pictures. */
async function train(backend: AttentionBackend, models: readonly Reader[], seed: number): Promise<void> {
  const random = seededRandom(1000 + seed);
  const known = Array.from({ length: TRAINED_ON }, () => randomPicture(random));
  const optimizers = models.map(() => new Adam({ learningRate: 0.005 }));
  for (let step = 0; step < STEPS; step++) {
    const pictures = Array.from({ length: BATCH }, () => known[Math.floor(random() * TRAINED_ON)]);
    const kinds = pictures.map(({ kind }) => kind);
    for (const [n, model] of models.entries()) {
      optimizers[n].step(model.parameters, await model.gradient(backend, patches(pictures), kinds));
    }
  }
}

export const scans: Example = {
  name: 'scans',
  claim:
    'With spatial attention the kind of a small spot is told, and its place pointed at; from the mean of the picture it is not.',
  async run(backend, seed) {
    const models = [true, false].map((attention) => new Reader(attention, seededRandom(seed)));
    await train(backend, models, seed);
    const random = seededRandom(2000 + seed);
    const pictures = Array.from({ length: TESTED }, () => randomPicture(random));
    const [attending, averaging] = [
      await models[0].read(backend, patches(pictures)),
      await models[1].read(backend, patches(pictures)),
    ];
    const share = (matches: readonly boolean[]): number => matches.filter(Boolean).length / matches.length;
    const right = (kinds: Int32Array): number => share(pictures.map(({ kind }, n) => kinds[n] === kind));
    const maps = reshape(attending.weights!, [TESTED, 1, 1, GRID * GRID]);
    const pointed = pictures.map(({ patch }, n) => {
      const map = maps.data.subarray(n * GRID * GRID, (n + 1) * GRID * GRID);
      return map.indexOf(Math.max(...map)) === patch;
    });
    return {
      measures: [
        { what: 'kinds told, with attention', value: right(attending.kinds), atLeast: 0.9 },
        { what: 'the most attended patch is the one of the spot', value: share(pointed), atLeast: 0.85 },
        { what: 'kinds told, without', value: right(averaging.kinds), atMost: 0.8 },
      ],
      parameters: [countOf(models[0].parameters), countOf(models[1].parameters)],
      steps: STEPS,
      picture: toSVG(
        overImage(maps, { batch: 0, query: 0, grid: [GRID, GRID], title: 'Where in the scan is looked' }),
      ),
    };
  },
};

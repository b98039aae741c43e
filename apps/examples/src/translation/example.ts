import type { AttentionBackend } from '@heed/core';
import { heatmap, meanOverHeads, toSVG } from '@heed/heatmap';
import { Adam, seededRandom } from '@heed/layers';
import { type Example, countOf } from '../example.ts';
import { type Pair, randomPair } from './dates.ts';
import { Translator } from './translator.ts';

const STEPS = 350;
const BATCH = 32;
const TESTED = 200;

async function train(backend: AttentionBackend, withAttention: boolean, seed: number): Promise<Translator> {
  const model = new Translator(withAttention, seededRandom(seed));
  const random = seededRandom(1000 + seed);
  const adam = new Adam({ learningRate: 0.003 });
  for (let step = 0; step < STEPS; step++) {
    const pairs = Array.from({ length: BATCH }, () => randomPair(random, false));
    adam.step(model.parameters, await model.gradient(backend, pairs));
  }
  return model;
}

async function accuracy(
  backend: AttentionBackend,
  model: Translator,
  pairs: readonly Pair[],
): Promise<number> {
  const answers = await model.translate(
    backend,
    pairs.map(({ source }) => source),
  );
  return answers.filter((answer, n) => answer === pairs[n].target).length / pairs.length;
}

export const translation: Example = {
  name: 'translation',
  claim:
    'With cross-attention, dates that training never saw are translated whole and right; without, almost none.',
  async run(backend, seed) {
    const random = seededRandom(2000 + seed);
    const pairs = Array.from({ length: TESTED }, () => randomPair(random, true));
    const [attending, averaging] = [await train(backend, true, seed), await train(backend, false, seed)];
    const shown = { source: 'Thursday, 5 March 1987', target: '1987-03-05' };
    const weights = await attending.weights(backend, shown);
    const labels = { rows: [...shown.target], columns: [...shown.source.replaceAll(' ', '␣')] };
    return {
      measures: [
        {
          what: 'whole dates right, with attention',
          value: await accuracy(backend, attending, pairs),
          atLeast: 0.9,
        },
        { what: 'whole dates right, without', value: await accuracy(backend, averaging, pairs), atMost: 0.2 },
      ],
      parameters: [countOf(attending.parameters), countOf(averaging.parameters)],
      steps: STEPS,
      picture: toSVG(
        heatmap(meanOverHeads(weights!), { ...labels, title: 'Where each character of the date is read' }),
      ),
    };
  },
};

import { type AttentionBackend, tensor } from '@heed/core';
import { heatmap, toSVG } from '@heed/heatmap';
import { Adam, seededRandom } from '@heed/layers';
import { type Example, countOf } from '../example.ts';
import { Lookup, averaging, reinforced, soft, straightThrough } from './finders.ts';
import { randomLookups } from './lookups.ts';

const STEPS = 400;
const BATCH = 64;
const ROWS = 8;
const TESTED = 400;

async function train(backend: AttentionBackend, models: readonly Lookup[], seed: number): Promise<void> {
  const random = seededRandom(1000 + seed);
  const optimizers = models.map(() => new Adam({ learningRate: 0.01 }));
  for (let step = 0; step < STEPS; step++) {
    const lookups = randomLookups(random, BATCH, ROWS);
    for (const [n, model] of models.entries()) {
      optimizers[n].step(model.parameters, await model.gradient(backend, lookups, step));
    }
  }
}

export const hardAndSoft: Example = {
  name: 'hard-and-soft',
  claim:
    'Hard attention, learning straight through or by REINFORCE, answers as well as soft attention to within five hundredths, though it reads one row of eight; without attention the answer is mostly wrong.',
  async run(backend, seed) {
    const kinds = [soft, straightThrough, reinforced, averaging];
    const models = kinds.map((kind) => new Lookup(kind, seededRandom(seed)));
    await train(backend, models, seed);
    const random = seededRandom(2000 + seed);
    const lookups = randomLookups(random, TESTED, ROWS);
    const right = async (model: Lookup): Promise<number> => {
      const { classes } = await model.answers(backend, lookups);
      return lookups.classes.filter((answer, n) => classes[n] === answer).length / TESTED;
    };
    const [ofSoft, ofStraight, ofReinforced, ofNone] = await Promise.all(models.map(right));
    const { weights } = await models[0].answers(backend, lookups);
    const shown = tensor(weights!.data.slice(0, 12 * ROWS), [12, ROWS]);
    return {
      measures: [
        { what: 'right, soft', value: ofSoft, atLeast: 0.9 },
        { what: 'right, hard, straight-through', value: ofStraight, atLeast: ofSoft - 0.05 },
        { what: 'right, hard, REINFORCE', value: ofReinforced, atLeast: ofSoft - 0.05 },
        { what: 'right, without attention', value: ofNone, atMost: 0.4 },
      ],
      parameters: [countOf(models[1].parameters), countOf(models[3].parameters)],
      steps: STEPS,
      picture: toSVG(heatmap(shown, { title: 'Soft attention: twelve questions, eight rows' })),
    };
  },
};

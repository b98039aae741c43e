import type { AttentionBackend } from '@heed/core';
import { heatmap, meanOverHeads, toSVG } from '@heed/heatmap';
import { Adam, seededRandom } from '@heed/layers';
import { type Example, countOf } from '../example.ts';
import { Recommender } from './recommender.ts';
import { ITEMS, LENGTH, isCoupon, randomSession } from './sessions.ts';

const STEPS = 400;
const BATCH = 32;
const TESTED = 300;

async function train(backend: AttentionBackend, withAttention: boolean, seed: number): Promise<Recommender> {
  const model = new Recommender(withAttention, seededRandom(seed));
  const random = seededRandom(1000 + seed);
  const adam = new Adam({ learningRate: 0.005 });
  for (let step = 0; step < STEPS; step++) {
    const sessions = Array.from({ length: BATCH }, () => randomSession(random));
    adam.step(model.parameters, await model.gradient(backend, sessions));
  }
  return model;
}

/** Share of the items after a coupon that are predicted correctly. */
function hits(sessions: readonly (readonly number[])[], next: Int32Array): number {
  const foretold = sessions.flatMap((session, b) =>
    session
      .slice(0, LENGTH)
      .flatMap((item, i) => (isCoupon(item) ? [next[b * LENGTH + i] === session[i + 1]] : [])),
  );
  return foretold.filter(Boolean).length / foretold.length;
}

export const recommendation: Example = {
  name: 'recommendation',
  claim:
    'With self-attention what a coupon is used for is foretold from the device bought last; from the mean of the session it is not.',
  async run(backend, seed) {
    const models = [await train(backend, true, seed), await train(backend, false, seed)];
    const random = seededRandom(2000 + seed);
    const sessions = Array.from({ length: TESTED }, () => randomSession(random));
    const [attending, averaging] = [
      await models[0].recommend(backend, sessions),
      await models[1].recommend(backend, sessions),
    ];
    const items = sessions[0].slice(0, LENGTH).map((item) => ITEMS[item]);
    const view = heatmap(meanOverHeads(attending.weights!), {
      batch: 0,
      rows: items,
      columns: items,
      title: 'What the next item is foretold from',
    });
    return {
      measures: [
        {
          what: 'items after a coupon foretold, with attention',
          value: hits(sessions, attending.next),
          atLeast: 0.9,
        },
        {
          what: 'items after a coupon foretold, without',
          value: hits(sessions, averaging.next),
          atMost: 0.75,
        },
      ],
      parameters: [countOf(models[0].parameters), countOf(models[1].parameters)],
      steps: STEPS,
      picture: toSVG(view),
    };
  },
};

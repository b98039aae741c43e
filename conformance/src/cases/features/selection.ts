import type { Selection, Tensor } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { ConformanceCase } from '../../case.ts';
import { randomFrom } from '../../random.ts';
import type { Sketch } from '../../sketch.ts';
import { agreement, agreements } from '../building/agreement.ts';
import { MANY_TILES, VARIATIONS } from '../building/variations.ts';
import type { Purposes } from '../building/purposes.ts';

export const selectionPurposes: Purposes = {
  selection: 'Hard attention takes the value of one key, the right one.',
  'selection/argmax': 'The value of the key with the largest score comes out, exactly, with every feature.',
  'selection/argmax/ties': 'Of equal scores the lowest key is chosen.',
  'selection/argmax/weights': 'The weights of argmax are 1 at the choice and else 0.',
  'selection/argmax/statistics': 'Statistics beside argmax are those of soft attention.',
  'selection/sample': 'The key that the noise of the seed chooses comes out, exactly, with every feature.',
  'selection/sample/seed': 'Noise follows the seed bit by bit, up to 2^53 − 1.',
  'selection/sample/weights': 'The weights of sampling are 1 at the choice and else 0.',
  'selection/sample/statistics': 'Statistics beside sampling are without noise.',
  'selection/sample/word-of-zeros': 'The word of all zeros is finite noise.',
  'selection/sample/word-of-ones': 'The word of all ones is finite noise.',
  'selection/sample/many-batches-and-heads': 'Noise counts batches and heads.',
  'selection/sample/many-keys': 'Noise counts keys beyond the first words.',
  'selection/sample/many-queries': 'Noise counts queries beyond the first tile.',
};

/** Queries and keys of −1, 0 and 1: with scale 1 every score is a small integer, and many are equal. */
function integers(request: CaseRequest): CaseRequest {
  const random = randomFrom('ties');
  for (const given of [request.query, request.key] as Tensor[]) {
    for (let n = 0; n < given.data.length; n++) given.data[n] = random.below(3) - 1;
  }
  return request;
}

const TIES: Readonly<Record<string, Sketch>> = {
  control: {},
  causal: { causal: true },
  'boolean-mask': { mask: { kind: 'boolean', shape: [7, 7] } },
  'key-lengths': { keyLengths: [3, 6] },
  window: { window: { left: 2, right: 2 } },
  gqa: { heads: 4, kvHeads: 2 },
  'across-tiles': { batch: 1, queryLength: 9, keyLength: 130 },
  'two-key-tiles': { batch: 1, queryLength: 9, keyLength: 65, headDim: 3 },
  'head-size-3': { headDim: 3, keyLength: 33 },
  'layout-blhd': { layout: 'blhd', keyLength: 20 },
};

const SEEDS = [0, 1, 2, 12345, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40 + 7, 2 ** 53 - 1];

/** Both kinds of hard attention, for every feature that they combine with. */
function variations(selection: Selection): Record<string, Sketch> {
  const hard = { selection, ...(selection === 'sample' && { seed: 9 }) };
  const combine = Object.entries(VARIATIONS).filter(([, sketch]) => !sketch.sinks);
  return Object.fromEntries(
    combine.flatMap(([name, sketch]): [string, Sketch][] => [
      [`${selection}/${name}`, { ...sketch, ...hard, outputs: ['output', 'choice'] }],
      [`${selection}/weights/${name}`, { ...sketch, ...hard, outputs: ['weights'] }],
      [`${selection}/statistics/${name}`, { ...sketch, ...hard, outputs: ['logSumExp', 'statistics'] }],
    ]),
  );
}

export function selectionCases(): ConformanceCase[] {
  const hard = { outputs: ['output', 'weights', 'choice'], scale: 1 } as const satisfies Sketch;
  const sample: Sketch = { selection: 'sample', outputs: ['output', 'choice'] };
  const one: Sketch = { ...sample, batch: 1, heads: 1 };
  return [
    ...agreements('selection', {
      'argmax/control': { selection: 'argmax' },
      'sample/control': { selection: 'sample', seed: 1 },
      ...variations('argmax'),
      ...variations('sample'),
      ...Object.fromEntries(SEEDS.map((seed) => [`sample/seed/${seed}`, { ...sample, seed }])),
      'sample/many-batches-and-heads': { ...sample, batch: 4, heads: 5, queryLength: 3, seed: 3 },
      'sample/many-keys': { ...sample, batch: 1, queryLength: 5, keyLength: 131, seed: 4 },
      'sample/many-queries': { ...sample, batch: 1, queryLength: 131, keyLength: 5, seed: 5 },
      // Where u is nearest to 0 and to 1: row 5, key 14.
      'sample/word-of-zeros': { ...one, queryLength: 6, keyLength: 15, seed: 18509 },
      'sample/word-of-ones': { ...one, queryLength: 6, keyLength: 15, seed: 18229 },
      'argmax/many-tiles': { ...MANY_TILES, selection: 'argmax', outputs: ['output', 'weights', 'choice'] },
      'sample/many-tiles': { ...MANY_TILES, ...sample, seed: 8 },
      'sample/flat': { ...sample, spread: 0.001, keyLength: 40, seed: 6 },
      'argmax/logSumExp-alone': { selection: 'argmax', outputs: ['logSumExp'] },
      'argmax/statistics-alone': { selection: 'argmax', outputs: ['statistics'] },
      'argmax/float64': { selection: 'argmax', dtype: 'float64', outputs: ['output', 'choice'] },
      'sample/float64': { ...sample, dtype: 'float64', seed: 7 },
    }),
    ...Object.entries(TIES).map(([name, sketch]) =>
      agreement('selection', `argmax/ties/${name}`, { ...hard, ...sketch, selection: 'argmax' }, integers),
    ),
    agreement(
      'selection',
      'argmax/ties/all-equal',
      { ...hard, selection: 'argmax', keyLength: 70 },
      (request) => {
        (request.query as Tensor).data.fill(0);
        return request;
      },
    ),
  ];
}

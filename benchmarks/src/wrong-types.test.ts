import { type RightValues, refusesWrongValues } from '@heed/testing';
import { describe } from 'vitest';
import { catalog, contestantNamed, measure, workload } from './index.ts';

const COUNTS = ['length', 'queryLength', 'batch', 'heads', 'kvHeads', 'headDim', 'valueDim', 'seed'];
const FLAGS = ['causal', 'mask', 'gradient'];
const SECONDS = ['budgetSeconds', 'timeoutSeconds', 'turnSeconds'];
const each = (names: readonly string[], right: readonly string[]): RightValues =>
  Object.fromEntries(names.map((name) => [name, right]));

const CALLS: readonly [name: string, call: (options: object) => unknown, options: RightValues][] = [
  [
    'workload',
    (options) => workload({ length: 4, ...options }),
    { ...each(COUNTS, []), ...each(FLAGS, ['true']), window: [], alignment: [] },
  ],
  ['catalog', (options) => catalog(options), { lengths: ['an array of a number'], heads: [] }],
  [
    'measure',
    (options) => measure({ workloads: [], contestants: [contestantNamed('triple loop')], ...options }),
    {
      workloads: [],
      contestants: [],
      baseline: ['a string of a number', 'a word'],
      threads: [],
      rounds: [],
      ...each(SECONDS, ['a part of a number']),
      signal: [],
      onProgress: ['a function'],
    },
  ],
];

describe.each(CALLS)('%s()', (_function, call, options) => {
  refusesWrongValues(call, options, ['ARGUMENT']);
});

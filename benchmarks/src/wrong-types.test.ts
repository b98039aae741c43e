import { HeedError } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { catalog, contestantNamed, measure, workload } from './index.ts';

/** One value of each JavaScript type, and values that are easily mistaken for another type. */
const VALUES: Readonly<Record<string, unknown>> = {
  'a string of a number': '2',
  'an array of a number': [2],
  true: true,
  'a part of a number': 7.5,
  'a negative number': -1,
  NaN: Number.NaN,
  'a bigint': 2n,
  'a symbol': Symbol('own'),
  'a function': () => 0.5,
  'an object': { value: 2 },
  'a Set': new Set([1]),
  'a symbol in an array': [Symbol('own')],
  'a hole in an array': Array(1),
};
const everyValue = Object.entries(VALUES);

async function refusal(work: () => unknown): Promise<HeedError> {
  try {
    await work();
  } catch (error) {
    if (HeedError.isInstance(error)) return error;
    throw new Error('not an error of Heed', { cause: error });
  }
  throw new Error('nothing was refused');
}

const COUNTS = ['length', 'queryLength', 'batch', 'heads', 'kvHeads', 'headDim', 'valueDim', 'seed'];
const FLAGS = ['causal', 'mask', 'gradient'];
const SECONDS = ['budgetSeconds', 'timeoutSeconds', 'turnSeconds'];
const each = (names: readonly string[], right: readonly string[]): Record<string, readonly string[]> =>
  Object.fromEntries(names.map((name) => [name, right]));

const CALLS: readonly [
  name: string,
  call: (options: object) => unknown,
  right: Readonly<Record<string, readonly string[]>>,
][] = [
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
      baseline: ['a string of a number'],
      threads: [],
      rounds: [],
      ...each(SECONDS, ['a part of a number']),
      signal: [],
      onProgress: ['a function'],
    },
  ],
];

describe.each(CALLS)('%s()', (_function, call, options) => {
  describe.each(Object.entries(options))('whose %s', (name, right) => {
    test.each(everyValue.filter(([kind]) => !right.includes(kind)))(
      'is %s refuses it by name',
      async (_, value) => {
        const error = await refusal(() => call({ [name]: value }));
        expect(error.code).toBe('ARGUMENT');
        expect(error.message).toContain(name);
        expect(error.remedy).toBeTruthy();
      },
    );
  });
});

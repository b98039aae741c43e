import reference from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import { conformance, fuzz, verify } from './index.ts';

/** One value of each JavaScript type, and values that are easily mistaken for another type. */
const VALUES: Readonly<Record<string, unknown>> = {
  'a string of a number': '2',
  'an array of a number': [2],
  true: true,
  'a number': 7.5,
  NaN: Number.NaN,
  'a bigint': 2n,
  'a symbol': Symbol('own'),
  'a function': () => 0.5,
  'an object with a number': { value: 2 },
  'a Set': new Set([1]),
  'a symbol in an array': [Symbol('own')],
  'a hole in an array': Array(1),
};
const everyValue = Object.entries(VALUES);

const SUITE = { clauses: [], ids: [], cases: [], expectedFailures: [] };
/** A place that registers nothing. */
const nowhere = {
  describe: () => undefined,
  test: Object.assign(() => undefined, { skip: () => undefined }),
};

const CALLS: readonly [
  name: string,
  call: (options: object) => unknown,
  right: Readonly<Record<string, readonly string[]>>,
][] = [
  [
    'verify',
    (options) => verify(reference, { ids: ['shape/control'], ...options }),
    { ...SUITE, onProgress: ['a function'], signal: [] },
  ],
  ['conformance', (options) => conformance(reference, nowhere as never, options), SUITE],
  [
    'fuzz',
    (options) => fuzz(reference, { seconds: 0.01, ...options }),
    { seconds: ['a number'], seed: [], onProgress: ['a function'], signal: [] },
  ],
];

describe.each(CALLS)('%s()', (_function, call, options) => {
  describe.each(Object.entries(options))('whose %s', (name, right) => {
    test.each(everyValue.filter(([kind]) => !right.includes(kind)))(
      'is %s refuses it by name',
      async (_, value) => {
        await expect(async () => call({ [name]: value })).rejects.toMatchObject({
          name: 'HeedError',
          code: 'ARGUMENT',
          message: expect.stringContaining(name) as string,
          remedy: expect.stringMatching(/./) as string,
        });
      },
    );
  });
});

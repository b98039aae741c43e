import { expect, test } from 'vitest';
import reference from './reference/index.ts';
import { type BackendProvider, withOptions } from './index.ts';

/** A provider that records the arguments of its calls. */
const calls: unknown[] = [];
const provider: BackendProvider<{ readonly threads?: number; readonly mode?: string }> = {
  ...reference,
  name: 'own',
  create(options) {
    calls.push(options);
    return reference.create();
  },
};

test.each([
  [undefined, { threads: 2 }],
  [{}, { threads: 2 }],
  [{ mode: 'fast' }, { threads: 2, mode: 'fast' }],
  [{ threads: 3 }, { threads: 3 }],
  // The provider refuses these.
  [null, null],
  [[], []],
  ['fast', 'fast'],
])('create(%j) is create(%j)', async (given, expected) => {
  await (await withOptions(provider, { threads: 2 }).create(given as never)).dispose();
  expect(calls.pop()).toEqual(expected);
});

test('all else is the provider', async () => {
  const own = withOptions(provider, { threads: 2 });
  expect([own.name, own.contract, await own.probe()]).toEqual(['own', 1, { available: true }]);
});

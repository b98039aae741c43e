import reference from '@heed/core/reference';
import { expect, test } from 'vitest';
import { behavior } from './cases/building/behavior.ts';
import { runCase } from './run-case.ts';

const hostile = {
  toString(): string {
    throw new Error('not this way');
  },
};
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

test.each<[what: string, thrown: unknown, message: RegExp]>([
  ['null', null, /^null$/],
  ['a symbol', Symbol('x'), /^Symbol\(x\)$/],
  ['an error whose message is an object', Object.assign(new Error(), { message: {} }), /^\[object Object\]$/],
  ['an error of megabytes', new Error('x'.repeat(5e6)), /^x{10000}…$/],
  ['an object that throws when it is read', hostile, /cannot be shown/],
  ['an object without a prototype', Object.create(null), /cannot be shown/],
  ['a revoked proxy', revoked, /cannot be shown/],
])('%s that is thrown is a failure of the case', async (_, thrown, message) => {
  await using backend = await reference.create();
  const throws = behavior('life', 'abort/never', [], async () => {
    throw thrown;
  });
  const outcome = await runCase(throws, { provider: reference, backend });
  expect(outcome).toMatchObject({ status: 'failed', message: expect.stringMatching(message) });
});

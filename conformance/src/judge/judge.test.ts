import reference from '@heed/core/reference';
import { expect, test } from 'vitest';
import { parseCases } from '../outside/parse-cases.ts';
import { verify } from '../verify.ts';

const ones = { dtype: 'float32', shape: [1, 1, 1, 2], data: [1, 1] };

/** Message about the reference backend if a case of one key, whose value is [1, 1], expects this. */
async function complaint(expected: object, options: object = {}): Promise<string> {
  const inputs = { query: ones, key: ones, value: ones };
  const text = JSON.stringify({
    format: 'heed-cases/1',
    source: 'by hand',
    cases: [{ id: 'one', options, inputs, expected }],
  });
  const { failed, clauses } = await verify(reference, { cases: parseCases(text, 'one.json').cases });
  expect(failed).toBe(1);
  return clauses[0]!.failures[0]!.message;
}

test('a wrong number of a case is not said to be of the reference', async () => {
  const message = await complaint({ output: { ...ones, data: [1, 2] } });
  expect(message).toMatch(
    /^output\[0, 0, 0, 1\] is 1, which agrees with the reference; the case expects 2: error 1\.00e\+0, bound \S+ \(by hand\)$/,
  );
});

test('nor is one that is not finite', async () => {
  const message = await complaint({ output: { ...ones, data: [1, 'Infinity'] } });
  expect(message).toBe(
    'output[0, 0, 0, 1] is 1, which agrees with the reference; the case expects exactly Infinity (by hand)',
  );
});

test('a wrong choice of a case is not said to be of the backend', async () => {
  const choice = { dtype: 'int32', shape: [1, 1, 1], data: [-1] };
  expect(await complaint({ choice }, { selection: 'argmax' })).toBe(
    'expected choice[0, 0, 0] is -1, the best key is 0 (by hand)',
  );
});

import { expect, test } from 'vitest';
import { knownProblem } from './known-problems.ts';
import { resolveRequest } from './request.ts';
import { tensor } from './tensor.ts';

const problemOf = (length: number, causal = false) => {
  const x = tensor(new Float32Array(length * 2), [1, 1, length, 2]);
  const mask = tensor(new Uint8Array(length).fill(1), [1, 1, 1, length]);
  return resolveRequest({ query: x, key: x, value: x, mask: { ...mask, dtype: 'bool' } as never, causal })
    .problem;
};

test('equal requests have one problem, others have their own', () => {
  expect(problemOf(3)).toBe(problemOf(3));
  expect(problemOf(3)).not.toBe(problemOf(4));
  expect(problemOf(3)).not.toBe(problemOf(3, true));
});

test('nobody changes a problem that others have, too', () => {
  const { mask, lengths, outputs } = problemOf(3);
  expect(() => ((lengths as { key: boolean }).key = true)).toThrow(TypeError);
  expect(() => ((mask!.shape as unknown as number[])[0] = 7)).toThrow(TypeError);
  expect(() => (outputs as string[]).push('weights')).toThrow(TypeError);
});

test('the problems that are known are few', () => {
  const first = problemOf(1);
  for (let length = 2; length <= 80; length++) problemOf(length);
  const again = problemOf(1);
  expect(again).not.toBe(first);
  expect(again).toEqual(first);
  expect(knownProblem(first)).toBe(again);
});

import { attention, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import ts from '../index.ts';

/** One query with two keys whose products with it are −∞, or +∞, and 1. */
async function rowOf(sign: number, extras: { softcap?: number }): Promise<number[]> {
  await using backend = await ts.create();
  const { output, logSumExp } = await attention(backend, {
    query: tensor(Float64Array.of(1e200), [1, 1, 1, 1]),
    key: tensor(Float64Array.of(sign * 1e200, 1e-200), [1, 1, 2, 1]),
    value: tensor(Float64Array.of(1, 2), [1, 1, 2, 1]),
    logSumExp: true,
    ...extras,
  });
  return [output!.data[0]!, logSumExp!.data[0]!];
}

describe.for([1, -1])('a float64 product that overflows to %s × infinity', (sign) => {
  test('is NaN in the results, not an exclusion', async () => {
    expect(await rowOf(sign, {})).toEqual([NaN, NaN]);
  });

  test('does not hide behind a softcap', async () => {
    expect(await rowOf(sign, { softcap: 30 })).toEqual([NaN, NaN]);
  });
});

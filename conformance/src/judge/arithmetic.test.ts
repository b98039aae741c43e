import { describe, expect, test } from 'vitest';
import { randomFrom } from '../random.ts';
import { problemOf } from '@heed/core';
import { requestOf } from '../sketch.ts';
import { arithmeticsOf } from './arithmetic.ts';

/** The float32 numbers on either side of a number that is none. */
function neighbours(number: number): number[] {
  const float = new Float32Array([number]);
  const bits = new Int32Array(float.buffer);
  const nearest = float[0]!;
  bits[0]! += Math.abs(number) > Math.abs(nearest) ? 1 : -1;
  return [nearest, float[0]!];
}

const { problem } = problemOf(requestOf({}, 'arithmetic'));

describe('random rounding', () => {
  const [, { round }] = arithmeticsOf(problem) as [unknown, { round(number: number): number }];
  const random = randomFrom('arithmetic');
  const numbers = Array.from({ length: 2000 }, () => random.normal() * 2 ** (random.below(60) - 30));

  test('gives either neighbour, and nothing else', () => {
    const rounded = numbers.map((number) => neighbours(number).indexOf(round(number)));
    expect(new Set(rounded)).toEqual(new Set([0, 1]));
    const nearest = rounded.filter((index) => index === 0).length / rounded.length;
    expect(nearest).toBeGreaterThan(0.4);
    expect(nearest).toBeLessThan(0.6);
  });

  test('leaves float32 numbers alone', () => {
    const floats = [...numbers.map(Math.fround), 0, -0, 1, 2 ** -20, -Infinity, Infinity, -3.4e38, 2 ** -149];
    for (const number of floats.map(Math.fround)) expect(round(number)).toBe(number);
    expect(round(NaN)).toBeNaN();
  });
});

test('the same numbers are rounded alike each time', () => {
  const sums = () =>
    arithmeticsOf(problem).map(({ round }) =>
      [0.1, 0.2, 0.3].reduce((sum, number) => round(sum + number), 0),
    );
  expect(sums()).toEqual(sums());
});

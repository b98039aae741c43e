import { describe, expect, test } from 'vitest';
import { randomFrom } from '../random.ts';
import { resolveRequest } from '@heed/core';
import { requestOf } from '../sketch.ts';
import { arithmeticsOf } from './arithmetic.ts';

/** The float32 numbers on either side of a number that is not one. */
function neighbors(number: number): [nearest: number, other: number] {
  const float = new Float32Array([number]);
  const bits = new Int32Array(float.buffer);
  const nearest = float[0]!;
  bits[0]! += Math.abs(number) > Math.abs(nearest) ? 1 : -1;
  return [nearest, float[0]!];
}

const { problem } = resolveRequest(requestOf({}, 'arithmetic'));

describe('random rounding', () => {
  const [, , { round }] = arithmeticsOf(problem) as [unknown, unknown, { round(number: number): number }];
  const random = randomFrom('arithmetic');
  const numbers = Array.from({ length: 2000 }, () => random.normal() * 2 ** (random.below(60) - 30));

  test('gives either neighbor, and nothing else', () => {
    const rounded = numbers.map((number) => neighbors(number).indexOf(round(number)));
    expect(new Set(rounded)).toEqual(new Set([0, 1]));
  });

  test('gives each neighbor with the probability of its nearness', () => {
    const [one, next] = [1, 1 + 2 ** -23];
    for (const share of [0.01, 0.25, 0.5, 0.9]) {
      const rounded = Array.from({ length: 20_000 }, () => round(one + share * 2 ** -23));
      const upwards = rounded.filter((number) => number === next).length / rounded.length;
      expect(Math.abs(upwards - share), `${share}`).toBeLessThan(0.015);
    }
  });

  test.each([1, -1])('does not drift where terms are far below the last place of the sum %d', (start) => {
    let sum = start;
    for (let n = 0; n < 65_536; n++) sum = round(sum + 1e-13);
    expect(Math.abs(sum - start)).toBeLessThan(4 * 2 ** -23);
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

import { tensor } from '@heed/core';
import { expect, test } from 'vitest';
import { gelu } from './gelu.ts';

// x · (1 + math.erf(x / √2)) / 2, by Python.
test('GELU', () => {
  const x = [-9, -3, -1, -0.1, 0, 0.5, 1, 2.3, 7, 100];
  const expected = [
    -0.0, -0.004049694, -0.158655254, -0.046017217, 0.0, 0.345731231, 0.841344746, 2.275334497, 7.0, 100.0,
  ];
  gelu(tensor(new Float32Array(x), [x.length])).data.forEach((value, n) =>
    expect(value).toBeCloseTo(expected[n], 6),
  );
});

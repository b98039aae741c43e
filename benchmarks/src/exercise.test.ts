import { type Tensor, problemOf } from '@heed/core';
import { referenceForward } from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import { checkedRows, exerciseOf, faultOf } from './exercise.ts';
import { workload } from './workload.ts';

const exercise = exerciseOf(workload({ length: 12, queryLength: 9, heads: 2, causal: true }));

function rightOutput(): Tensor<'float32'> {
  const { problem, inputs } = problemOf(exercise.request);
  const { shape, data } = referenceForward(problem, inputs as never).output;
  return { dtype: 'float32', shape, data: Float32Array.from(data) };
}

describe('the check before the timing', () => {
  test('accepts the reference, rounded to float32', () => {
    expect(faultOf(exercise, rightOutput())).toBeNull();
  });

  test.each([0, 500, 9 * 2 * 64 - 1])('sees one wrong number, at %i', (at) => {
    const output = rightOutput();
    output.data[at]! += 0.01;
    expect(faultOf(exercise, output)).toMatch(/differs from the float64 reference by 1\.0e-2/);
  });

  test('sees NaN and zeros', () => {
    const output = rightOutput();
    output.data[3] = NaN;
    expect(faultOf(exercise, output)).toMatch(/Infinity/);
    expect(faultOf(exercise, { ...output, data: new Float32Array(output.data.length) })).not.toBeNull();
  });

  test('sees a wrong shape', () => {
    const output = { ...rightOutput(), shape: [1, 9, 2, 64] };
    expect(faultOf(exercise, output)).toBe(
      'the output is [1, 9, 2, 64], expected [B, Hq, Lq, Dv] = [1, 2, 9, 64]',
    );
  });

  test('takes all rows of a short workload, a sample with both ends of a long one', () => {
    expect(checkedRows(0)).toEqual([]);
    expect(checkedRows(1024)).toHaveLength(1024);
    const sampled = checkedRows(8192);
    expect(sampled.length).toBeLessThan(100);
    expect(sampled[0]).toBe(0);
    expect(sampled.at(-1)).toBe(8191);
    expect(new Set(sampled).size).toBe(sampled.length);
  });

  test('sees a row of a long workload that forgot a tile of 64 keys', () => {
    const long = exerciseOf(workload({ length: 2048, heads: 1, headDim: 8 }));
    const { problem, inputs } = problemOf(long.request);
    const shortened = { ...problem, keyLength: 2048 - 64 };
    const { shape, data } = referenceForward(shortened, inputs as never).output;
    expect(faultOf(long, { dtype: 'float64', shape, data: data as Float64Array })).not.toBeNull();
  });
});

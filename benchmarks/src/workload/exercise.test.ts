import { resolveRequest } from '@heed/core';
import { referenceForward, referenceGradient } from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import { checkedRows, exerciseOf, faultOf } from './exercise.ts';
import type { WorkloadResults } from '../contestant.ts';
import { outputGradientOf, requestOf } from './request.ts';
import { type Workload, workload } from './workload.ts';

const short = workload({ length: 12, queryLength: 9, heads: 2, causal: true });

/** Results of the reference, rounded to float32. */
async function rightResults(of: Workload): Promise<Required<WorkloadResults>> {
  const { problem, inputs } = resolveRequest({ ...(await requestOf(of)), gradient: true });
  const { output } = referenceForward(problem, inputs as never);
  const { dQuery, dKey, dValue } = referenceGradient(problem, inputs as never, outputGradientOf(of));
  const [o, q, k, v] = [output, dQuery, dKey, dValue].map(({ shape, data }) => ({
    dtype: 'float32' as const,
    shape,
    data: Float32Array.from(data),
  }));
  return { output: o!, dQuery: q!, dKey: k!, dValue: v! };
}

describe('the check before the timing', () => {
  const exercise = exerciseOf(short);

  test('accepts the reference, rounded to float32', async () => {
    expect(await faultOf(exercise, await rightResults(short))).toBeNull();
  });

  test.each([0, 500, 9 * 2 * 64 - 1])('sees one wrong number, at %i', async (at) => {
    const results = await rightResults(short);
    results.output.data[at]! += 0.01;
    expect(await faultOf(exercise, results)).toMatch(
      /the output differs from the float64 reference by 1\.0e-2/,
    );
  });

  test('sees NaN and zeros', async () => {
    const { output } = await rightResults(short);
    output.data[3] = NaN;
    expect(await faultOf(exercise, { output })).toMatch(/Infinity/);
    expect(
      await faultOf(exercise, { output: { ...output, data: new Float32Array(output.data.length) } }),
    ).not.toBeNull();
  });

  test('sees a wrong shape', async () => {
    const { output } = await rightResults(short);
    expect(await faultOf(exercise, { output: { ...output, shape: [1, 9, 2, 64] } })).toBe(
      'the output is [1, 9, 2, 64]; expected [B, Hq, Lq, Dv] = [1, 2, 9, 64]',
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

  test('sees a row of a long workload that forgot a tile of 64 keys', async () => {
    const long = workload({ length: 2048, heads: 1, headDim: 8 });
    const { problem, inputs } = resolveRequest(await requestOf(long));
    const { output } = referenceForward({ ...problem, keyLength: 2048 - 64 }, inputs as never);
    expect(await faultOf(exerciseOf(long), { output })).not.toBeNull();
  });

  test('sees a mask that was forgotten', async () => {
    const masked = workload({ length: 20, heads: 1, mask: true });
    expect(await faultOf(exerciseOf(masked), await rightResults(masked))).toBeNull();
    expect(await faultOf(exerciseOf(masked), await rightResults({ ...masked, mask: false }))).not.toBeNull();
  });

  test('of gradients takes all of them', async () => {
    const of = workload({ length: 8, heads: 2, kvHeads: 1, causal: true, gradient: true });
    const results = await rightResults(of);
    expect(await faultOf(exerciseOf(of), results)).toBeNull();
    expect(await faultOf(exerciseOf(of), { output: results.output })).toBe(
      'dQuery is missing; expected [1, 2, 8, 64]',
    );
    results.dKey.data[7]! += 0.01;
    expect(await faultOf(exerciseOf(of), results)).toMatch(/^dKey differs/);
  });
});

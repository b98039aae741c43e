import type { AttentionInputs, AttentionResults } from '@heed/core';
import { type DeviceTensor, type HostArray, newArray } from '../memory/device-tensor.ts';
import type { FloatInputs } from '../memory/float-inputs.ts';
import type { Run } from './run.ts';
import { logSumExp, rowMaxima } from './row-results.ts';
import { markNonFiniteResults } from './non-finite.ts';

/** Results of a run: the outputs that the problem names. */
export async function resultsOf(
  run: Run,
  inputs: AttentionInputs<DeviceTensor>,
  floats: FloatInputs,
): Promise<AttentionResults<DeviceTensor>> {
  const { engine, problem, rows } = run;
  const { batch, heads, queryLength, keyLength, valueDim, layout } = problem;
  const perRow = [batch, heads, queryLength];
  const outputShape = layout === 'bhld' ? [...perRow, valueDim] : [batch, queryLength, heads, valueDim];
  const nonFinite = await markNonFiniteResults(engine, problem, inputs, floats, rows);
  const ofRows = (data: Float32Array | Int32Array): HostArray => ({
    dtype: data instanceof Int32Array ? 'int32' : 'float32',
    shape: perRow,
    data,
  });
  const all = {
    output: () => newArray(engine, run.output, outputShape, nonFinite?.output),
    weights: () => newArray(engine, run.weights, [...perRow, keyLength], nonFinite?.weights),
    logSumExp: () => ofRows(logSumExp(rows)),
    statistics: () => ({ rowMax: ofRows(rowMaxima(rows)), rowSum: ofRows(rows.rowSum) }),
    choice: () => ofRows(rows.choice),
  };
  const results: Record<string, unknown> = {};
  for (const name of problem.outputs) results[name] = await all[name]();
  return results;
}

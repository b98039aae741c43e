import type {
  AttentionGradients,
  AttentionInputs,
  AttentionProblem,
  AttentionResults,
  DType,
} from '@heed/core';
import { computeDType } from '@heed/core/backend';
import type { WasmTensor } from './memory/wasm-tensor.ts';

/** Tensors that a kernel fills, by their names in the plan. */
export type ResultForms = Readonly<
  Record<string, { readonly dtype: DType; readonly shape: readonly number[] }>
>;

/** Results of a run. */
export function forwardForms(problem: AttentionProblem): ResultForms {
  const { batch, heads, queryLength, keyLength, valueDim, layout, dtype, outputs } = problem;
  const rows = [batch, heads, queryLength];
  const outputShape = layout === 'bhld' ? [...rows, valueDim] : [batch, queryLength, heads, valueDim];
  const row = { dtype: computeDType(dtype), shape: rows };
  return {
    ...(outputs.includes('output') && { output: { dtype, shape: outputShape } }),
    ...(outputs.includes('weights') && { weights: { dtype, shape: [...rows, keyLength] } }),
    ...(outputs.includes('logSumExp') && { logSumExp: row }),
    ...(outputs.includes('statistics') && { rowMax: row, rowSum: row }),
    ...(outputs.includes('choice') && { choice: { dtype: 'int32', shape: rows } }),
  };
}

/** Results of a backward pass: each gradient has the form of its input. */
export function gradientForms({ query, key, value, bias, sinks }: AttentionInputs<WasmTensor>): ResultForms {
  return {
    dQuery: query,
    dKey: key,
    dValue: value,
    ...(bias && { dBias: bias }),
    ...(sinks && { dSinks: sinks }),
  };
}

type Tensors = Readonly<Record<string, WasmTensor>>;

export function asResults({ rowMax, rowSum, ...others }: Tensors): AttentionResults<WasmTensor> {
  return { ...others, ...(rowMax && { statistics: { rowMax, rowSum: rowSum! } }) };
}

export function asGradients(tensors: Tensors): AttentionGradients<WasmTensor> {
  return tensors as unknown as AttentionGradients<WasmTensor>;
}

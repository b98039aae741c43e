import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import type { OnnxValue } from './onnx-model.ts';
import { fromRows, toRows } from './rows.ts';
import { type OnnxTask, onnxTypeOf } from './runtime.ts';

/** ONNX Runtime's own `MultiHeadAttention`: rows of all heads side by side, masks of float32 added. */
export function multiHeadTask(problem: AttentionProblem, inputs: AttentionInputs<Tensor>): OnnxTask {
  const { batch, heads, queryLength, headDim, valueDim, causal, scale } = problem;
  const { mask, keyLengths } = inputs;
  const [query, key, value] = [inputs.query, inputs.key, inputs.value].map((tensor) =>
    toRows(tensor as Tensor<'float32'>),
  ) as [Tensor, Tensor, Tensor];
  const of = (name: string, { shape, dtype }: Tensor): OnnxValue => ({
    name,
    type: onnxTypeOf({ dtype }),
    shape,
  });
  const slots: (OnnxValue | null)[] = [of('query', query), of('key', key), of('value', value)];
  const padding: OnnxValue = { name: 'key_padding_mask', type: 'int32', shape: [batch] };
  if (keyLengths || mask) slots.push(null, keyLengths ? padding : null);
  // Its documentation asks for four axes.
  if (mask) slots.push({ name: 'attention_bias', type: 'float32', shape: problem.mask!.shape });
  const output: OnnxValue = {
    name: 'output',
    type: 'float32',
    shape: [batch, queryLength, heads * valueDim],
  };
  return {
    model: {
      operator: 'MultiHeadAttention',
      domain: 'com.microsoft',
      version: 1,
      attributes: {
        integers: { num_heads: heads, unidirectional: Number(causal) },
        floats: scale === 1 / Math.sqrt(headDim) ? {} : { scale },
      },
      inputs: slots,
      outputs: [output],
    },
    feeds: {
      query: query.data,
      key: key.data,
      value: value.data,
      ...(keyLengths && { key_padding_mask: keyLengths.data }),
      ...(mask && { attention_bias: mask.data }),
    },
    results: { output: 'output' },
    read: ({ data }) => fromRows(data as Float32Array, [batch, heads, queryLength, valueDim]),
  };
}

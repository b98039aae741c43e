import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import type { OnnxValue } from './onnx-model.ts';
import { type OnnxData, type OnnxTask, onnxTypeOf } from './runtime.ts';

/** Value of `qk_matmul_output_mode` for the weights. */
const WEIGHTS = 3;

/** `Attention` of the ONNX standard, in the oldest opset that supports the problem. */
export function attentionTask(problem: AttentionProblem, inputs: AttentionInputs<Tensor>): OnnxTask {
  const { query, key, value, mask, keyLengths } = inputs;
  const { batch, heads, queryLength, keyLength, valueDim, headDim, causal, window, alignment } = problem;
  if (keyLengths && (causal || window) && alignment === 'topLeft') {
    throw new Error('with nonpad_kv_seqlen positions are those of the bottom right corner');
  }
  const lengths =
    keyLengths?.data ?? (alignment === 'bottomRight' ? new Int32Array(batch).fill(keyLength) : null);
  const of = (name: string, tensor: Tensor): OnnxValue => ({
    name,
    type: onnxTypeOf(tensor),
    shape: tensor.shape,
  });
  const slots: (OnnxValue | null)[] = [of('Q', query), of('K', key), of('V', value)];
  if (mask || lengths) slots.push(mask ? of('attn_mask', mask) : null);
  if (lengths) slots.push(null, null, { name: 'nonpad_kv_seqlen', type: 'int64', shape: [batch] });
  const wantsWeights = problem.outputs.includes('weights');
  const type = onnxTypeOf(query);
  const output: OnnxValue = { name: 'Y', type, shape: [batch, heads, queryLength, valueDim] };
  const weights: OnnxValue = {
    name: 'qk_matmul_output',
    type,
    shape: [batch, heads, queryLength, keyLength],
  };
  const feeds: Record<string, OnnxData> = {
    Q: query.data,
    K: key.data,
    V: value.data,
    ...(mask && { attn_mask: mask.data }),
    ...(lengths && { nonpad_kv_seqlen: BigInt64Array.from(lengths, BigInt) }),
  };
  return {
    model: {
      operator: 'Attention',
      domain: '',
      version: window ? 25 : lengths ? 24 : 23,
      attributes: {
        integers: {
          is_causal: Number(causal),
          ...(wantsWeights && { qk_matmul_output_mode: WEIGHTS }),
          ...(window?.left != null && { left_window_size: window.left }),
          ...(window?.right != null && { right_window_size: window.right }),
        },
        floats: {
          // An attribute is float32, so the default is more exact.
          ...(problem.scale !== 1 / Math.sqrt(headDim) && { scale: problem.scale }),
          ...(problem.softcap !== null && { softcap: problem.softcap }),
        },
      },
      inputs: slots,
      outputs: wantsWeights ? [output, null, null, weights] : [output],
    },
    feeds,
    results: { output: 'Y', ...(wantsWeights && { weights: 'qk_matmul_output' }) },
  };
}

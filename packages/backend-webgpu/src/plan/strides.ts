import type { AttentionProblem } from '@heed/core';
import { broadcastStrides, rowStrides } from '@heed/core/backend';
import type { Params } from '../shader/params.ts';
import { unitOf } from '../shader/tensors.ts';

/** Parameters of shaders for lengths and strides, the same for every run of a kernel. */
export function problemParams(problem: AttentionProblem): Params {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim, layout } = problem;
  const { scale, softcap, mask, bias } = problem;
  const strides = (
    name: 'query' | 'key' | 'value' | 'output',
    count: number,
    length: number,
    depth: number,
  ): Params => {
    const all = rowStrides(layout, count, length, depth);
    const unit = unitOf(depth);
    return {
      [`${name}Batch`]: all.batch / unit,
      [`${name}Head`]: all.head / unit,
      [`${name}Row`]: all.row / unit,
    };
  };
  const broadcast = (name: 'mask' | 'bias', shape: Parameters<typeof broadcastStrides>[0]): Params => {
    const [b, h, i, j] = broadcastStrides(shape);
    return { [`${name}Batch`]: b, [`${name}Head`]: h, [`${name}Row`]: i, [`${name}Key`]: j };
  };
  return {
    batch,
    heads,
    kvHeads,
    headsPerKv: heads / kvHeads,
    queryLength,
    keyLength,
    rows: batch * heads * queryLength,
    scale,
    softcap: softcap ?? 0,
    ...strides('query', heads, queryLength, headDim),
    ...strides('key', kvHeads, keyLength, headDim),
    ...strides('value', kvHeads, keyLength, valueDim),
    ...strides('output', heads, queryLength, valueDim),
    ...(mask && broadcast('mask', mask.shape)),
    ...(bias && broadcast('bias', bias.shape)),
  };
}

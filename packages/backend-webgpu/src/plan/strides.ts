import type { AttentionProblem } from '@heed/core';
import { type RowStrides, broadcastStrides, cacheStrides, rowStrides } from '@heed/core/backend';
import type { Params } from '../shader/params.ts';
import { storedRows, unitOf } from './stored.ts';

/** Parameters of shaders for lengths and strides, the same for every run of a kernel. */
export function problemParams(problem: AttentionProblem): Params {
  const { batch, heads, kvHeads, kvBatch, queryLength, keyLength, headDim, valueDim, layout } = problem;
  const { scale, softcap, mask, bias, pages } = problem;
  // A page stands for an element of the batch.
  const keysOf = (depth: number): RowStrides =>
    pages === null ? cacheStrides(problem, depth) : rowStrides(layout, kvHeads, pages.size, depth);
  const rows = storedRows(problem);
  const strides = (name: keyof typeof rows, { batch: b, head, row }: RowStrides): Params => {
    const unit = unitOf(rows[name]);
    return { [`${name}Batch`]: b / unit, [`${name}Head`]: head / unit, [`${name}Row`]: row / unit };
  };
  const broadcast = (name: 'mask' | 'bias', shape: Parameters<typeof broadcastStrides>[0]): Params => {
    const [b, h, i, j] = broadcastStrides(shape);
    return { [`${name}Batch`]: b, [`${name}Head`]: h, [`${name}Row`]: i, [`${name}Key`]: j };
  };
  return {
    batch,
    heads,
    kvHeads,
    kvBatch,
    headsPerKv: heads / kvHeads,
    queryLength,
    keyLength,
    rows: batch * heads * queryLength,
    scale,
    softcap: softcap ?? 0,
    ...strides('query', rowStrides(layout, heads, queryLength, headDim)),
    ...strides('key', keysOf(headDim)),
    ...strides('value', keysOf(valueDim)),
    ...(pages && { pageSize: pages.size, pageColumns: keyLength / pages.size }),
    ...strides('output', rowStrides(layout, heads, queryLength, valueDim)),
    ...(mask && broadcast('mask', mask.shape)),
    ...(bias && broadcast('bias', bias.shape)),
  };
}

import type { AttentionProblem, BroadcastShape } from '@heed/core';
import {
  ELEMENT_BYTES,
  type RowStrides,
  broadcastStrides,
  cacheStrides,
  dropoutOf,
  rowStrides,
} from '@heed/core/backend';
import type { FloatField, IntegerField } from './frame.ts';

export type Integers = Partial<Record<IntegerField, number>>;

/** Fields of the frame for a problem's lengths and strides, the same for every pass. */
export function problemFields(problem: AttentionProblem): Integers {
  const { heads, kvHeads, queryLength, keyLength, headDim, valueDim, layout, dtype, mask, bias } = problem;
  const bytes = ELEMENT_BYTES[dtype];
  const headGroup = heads / kvHeads;
  const sequence = (name: 'query' | 'output', ...sizes: [number, number, number]) =>
    strideFields(name, rowStrides(layout, ...sizes), bytes);
  const { cacheType, groups, pages } = problem;
  // Pages take the place of the batch.
  const keyStrides = (depth: number): RowStrides =>
    pages === null ? cacheStrides(problem, depth) : rowStrides(layout, kvHeads, pages.size, depth);
  const keys = (name: 'key' | 'value', depth: number) => ({
    ...strideFields(name, keyStrides(depth), cacheType === 'int4x2' ? 0.5 : ELEMENT_BYTES[cacheType]),
    ...(groups && strideFields(`${name}Scales`, keyStrides(depth / groups[name]), 4)),
  });
  const valueRow = problem.valueFromKey === null ? valueDim : headDim;
  const broadcast = (name: 'mask' | 'bias', shape: BroadcastShape, size: number) => {
    const [batch, head, row] = broadcastStrides(shape);
    return strideFields(name, { batch, head, row }, size);
  };
  return {
    ...sequence('query', heads, queryLength, headDim),
    ...keys('key', headDim),
    ...keys('value', valueRow),
    ...sequence('output', heads, queryLength, valueDim),
    ...(mask && broadcast('mask', mask.shape, mask.kind === 'boolean' ? 1 : bytes)),
    ...(bias && broadcast('bias', bias.shape, bytes)),
    batch: problem.batch,
    tableColumns: pages === null ? 0 : keyLength / pages.size,
    heads,
    kvHeads,
    headGroup,
    queryLength,
    keyLength,
    rows: headGroup * queryLength,
    dropThreshold: dropoutOf(problem, {})?.threshold ?? 0,
  };
}

function strideFields(name: string, { batch, head, row }: RowStrides, bytes: number): Integers {
  return { [`${name}Batch`]: batch * bytes, [`${name}Head`]: head * bytes, [`${name}Row`]: row * bytes };
}

/** Unbounded sides of the window are infinite; causal is a right side of 0. */
export function floatFields(problem: AttentionProblem): Record<FloatField, number> {
  const right = problem.window?.right ?? Infinity;
  return {
    scale: problem.scale,
    softcap: problem.softcap ?? 0,
    kept: dropoutOf(problem, {})?.factor ?? 1,
    left: problem.window?.left ?? Infinity,
    right: problem.causal ? Math.min(0, right) : right,
  };
}

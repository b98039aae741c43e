import type { AttentionProblem } from '@heed/core';
import { broadcastStrides, rowStrides } from '@heed/core/backend';
import type { FloatField, IntegerField } from '../kernels/frame.ts';
import type { Addresses } from './plan.ts';

export type Integers = Partial<Record<IntegerField, number>>;

/** What the frame says of a problem's tensors, whatever the pass. */
export function tensorFields(problem: AttentionProblem, addresses: Addresses): Integers {
  const { heads, kvHeads, queryLength, keyLength, headDim, valueDim, layout, dtype } = problem;
  const bytes = dtype === 'float32' ? 4 : 8;
  const group = heads / kvHeads;
  const at = (name: Exclude<keyof Addresses, 'seed'>): number => addresses[name] ?? 0;
  const sequence = (
    name: 'query' | 'key' | 'value' | 'output',
    count: number,
    length: number,
    depth: number,
  ) => {
    const { batch, head, row } = rowStrides(layout, count, length, depth);
    return {
      [name]: at(name),
      [`${name}Batch`]: batch * bytes,
      [`${name}Head`]: head * bytes,
      [`${name}Row`]: row * bytes,
    };
  };
  const broadcast = (
    name: 'mask' | 'bias',
    shape: readonly [number, number, number, number],
    size: number,
  ) => {
    const [batch, head, row] = broadcastStrides(shape);
    return {
      [name]: at(name),
      [`${name}Batch`]: batch * size,
      [`${name}Head`]: head * size,
      [`${name}Row`]: row * size,
    };
  };
  const { mask, bias } = problem;
  const seed = addresses.seed ?? 0;
  return {
    ...sequence('query', heads, queryLength, headDim),
    ...sequence('key', kvHeads, keyLength, headDim),
    ...sequence('value', kvHeads, keyLength, valueDim),
    ...sequence('output', heads, queryLength, valueDim),
    ...(mask && broadcast('mask', mask.shape, mask.kind === 'boolean' ? 1 : bytes)),
    ...(bias && broadcast('bias', bias.shape, bytes)),
    heads,
    kvHeads,
    group,
    queryLength,
    keyLength,
    rows: group * queryLength,
    offsets: at('offsets'),
    keyLengths: at('keyLengths'),
    queryLengths: at('queryLengths'),
    querySegments: at('querySegments'),
    keySegments: at('keySegments'),
    alibiSlopes: at('alibiSlopes'),
    sinks: at('sinks'),
    logSumExp: at('logSumExp'),
    rowMax: at('rowMax'),
    rowSum: at('rowSum'),
    weights: at('weights'),
    choice: at('choice'),
    dOutput: at('dOutput'),
    dQuery: at('dQuery'),
    dKey: at('dKey'),
    dValue: at('dValue'),
    dBias: at('dBias'),
    dSinks: at('dSinks'),
    seedLow: seed % 2 ** 32,
    seedHigh: Math.floor(seed / 2 ** 32),
  };
}

/** Unbounded sides of the window are infinite; causal is a right side of 0. */
export function floatFields(problem: AttentionProblem): Record<FloatField, number> {
  const right = problem.window?.right ?? Infinity;
  return {
    scale: problem.scale,
    softcap: problem.softcap ?? 0,
    left: problem.window?.left ?? Infinity,
    right: problem.causal ? Math.min(0, right) : right,
  };
}

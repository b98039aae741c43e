import type { AttentionProblem } from '@heed/core';
import { type Geometry, type Limits, geometryOf, splitKeysOf } from './geometry.ts';
import type { ProblemType } from './stored.ts';
import { type Variant, variantOf } from './variant.ts';

/** Division of a problem into blocks. It does not depend on the numbers in the tensors. */
export interface ForwardPlan {
  readonly variant: Variant;
  readonly geometry: Geometry;
  /** Query heads whose rows share a block. */
  readonly packed: number;
  /** Blocks of rows, and slices of batch and heads. */
  readonly blocks: number;
  readonly slices: number;
  /** True if keys are split among workgroups; then the number of keys of a split. */
  readonly splits: boolean;
  readonly splitKeys: number;
  /** True if the values are summed: soft attention's output. */
  readonly sumsValues: boolean;
}

/** Rows up to which those of all heads of a group share blocks. */
const PACKED_ROWS = 32;
/** More than any length: no splits. */
const ALL_KEYS = 2 ** 30;

export function forwardPlan(
  problem: AttentionProblem,
  limits: Limits,
  outputType: ProblemType = problem.dtype as ProblemType,
): ForwardPlan {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, outputs, selection } = problem;
  const packed = queryLength < PACKED_ROWS ? heads / kvHeads : 1;
  const rows = packed * queryLength;
  const geometry = geometryOf(rows, headDim, limits);
  const splitKeys = splitKeysOf(geometry);
  const splits = rows <= geometry.rows && keyLength > splitKeys;
  return {
    variant: variantOf(problem, outputType),
    geometry,
    packed,
    blocks: Math.ceil(rows / geometry.rows),
    slices: (batch * heads) / packed,
    splits,
    splitKeys: splits ? splitKeys : ALL_KEYS,
    sumsValues: selection === 'softmax' && outputs.includes('output'),
  };
}

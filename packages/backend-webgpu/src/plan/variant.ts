import type { AttentionProblem, Selection } from '@heed/core';
import { type ProblemType, type StoredRows, type StoredType, storedRows } from './stored.ts';

/**
 * Properties of a problem that are written into shaders. Lengths, strides, scale, windows and offsets are not: shaders
 * read them as numbers.
 */
export interface Variant {
  readonly headDim: number;
  readonly valueDim: number;
  readonly type: ProblemType;
  readonly cacheType: StoredType;
  readonly rows: StoredRows;
  /** True if keys and values lie in pages, in a ring, or values in the rows of keys. */
  readonly pages: boolean;
  readonly ring: boolean;
  readonly valueFromKey: boolean;
  /** Place of the scales of quantized keys and values: shaders may bind eight tensors, and a mask and a bias may be two. */
  readonly scales: 'bound' | 'table' | null;
  readonly mask: 'boolean' | 'float' | null;
  readonly bias: boolean;
  readonly segments: boolean;
  readonly alibi: boolean;
  readonly softcap: boolean;
  readonly sinks: boolean;
  readonly selection: Selection;
  readonly origin: boolean;
  readonly dropout: boolean;
}

/** @param outputType that of the problem, or float32 for an output that the gradient computes once more. */
export function variantOf(
  problem: AttentionProblem,
  outputType: ProblemType = problem.dtype as ProblemType,
): Variant {
  const { headDim, valueDim, mask, bias, segments, alibi, softcap, sinks, selection, origin } = problem;
  const { pages, ring, valueFromKey } = problem;
  return {
    headDim,
    valueDim,
    type: problem.dtype as ProblemType,
    cacheType: problem.cacheType as StoredType,
    rows: storedRows(problem, outputType),
    pages: pages !== null,
    ring,
    valueFromKey: valueFromKey !== null,
    scales: scalesOf(problem),
    mask: mask?.kind ?? null,
    bias: bias !== null,
    segments,
    alibi,
    softcap: softcap !== null,
    sinks,
    selection,
    origin,
    dropout: problem.dropout !== null,
  };
}

export function scalesOf({ groups, mask, bias }: AttentionProblem): Variant['scales'] {
  if (groups === null) return null;
  return mask === null && bias === null ? 'bound' : 'table';
}

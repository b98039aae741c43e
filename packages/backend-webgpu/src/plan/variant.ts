import type { AttentionProblem, Selection } from '@heed/core';

/**
 * Properties of a problem that are written into shaders. Lengths, strides, scale, windows and offsets are not: shaders
 * read them as numbers.
 */
export interface Variant {
  readonly headDim: number;
  readonly valueDim: number;
  readonly mask: 'boolean' | 'float' | null;
  readonly bias: boolean;
  readonly segments: boolean;
  readonly alibi: boolean;
  readonly softcap: boolean;
  readonly sinks: boolean;
  readonly selection: Selection;
}

export function variantOf(problem: AttentionProblem): Variant {
  const { headDim, valueDim, mask, bias, segments, alibi, softcap, sinks, selection } = problem;
  return {
    headDim,
    valueDim,
    mask: mask?.kind ?? null,
    bias: bias !== null,
    segments,
    alibi,
    softcap: softcap !== null,
    sinks,
    selection,
  };
}

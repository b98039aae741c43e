import type { AttentionProblem } from '@heed/core';
import { ELEMENT_BYTES, broadcastStrides, sizeOf } from '@heed/core/backend';
import type { Params } from '../shader/params.ts';
import { unitOf } from '../shader/tensors.ts';

/** Part of a tensor that shaders read or write while they do some slices of batch and heads. */
export interface Span {
  /** Parameter that says what is not bound of the buffer, and the bytes that it counts. */
  readonly base: keyof Params;
  readonly unit: number;
  /** Bytes of the slices `first` to `end`: from, and to. */
  bytes(first: number, end: number): readonly [from: number, to: number];
}

/**
 * Returns the spans of the forward pass's tensors: one that is larger than what a shader can see is bound in parts.
 * With layout `blhd`, heads lie beside each other, so that a part has whole elements of the batch.
 *
 * @param packed query heads of a slice.
 */
export function spansOf(problem: AttentionProblem, packed: number): Readonly<Record<string, Span>> {
  const { heads, kvHeads, queryLength, keyLength, headDim, valueDim, layout, mask, bias } = problem;
  const perElement = heads / packed;
  const rows = (
    base: keyof Params,
    { each, length, depth }: { readonly each: number; readonly length: number; readonly depth: number },
  ): Span => {
    const size = 4 * length * depth;
    // The heads of a slice: of queries, or the one head of keys that they read.
    const firstOf = (slice: number): number => Math.floor((slice * packed * each) / heads);
    const last = each === heads ? packed - 1 : 0;
    return {
      base,
      unit: 4 * unitOf(depth),
      bytes: (first, end) => {
        if (layout === 'bhld') return [firstOf(first) * size, (firstOf(end - 1) + last + 1) * size];
        const [from, to] = [Math.floor(first / perElement), Math.floor((end - 1) / perElement) + 1];
        return [from * each * size, to * each * size];
      },
    };
  };
  const term = (
    base: keyof Params,
    dtype: 'bool' | 'float32',
    shape: NonNullable<typeof mask>['shape'],
  ): Span => {
    const strides = broadcastStrides(shape);
    const unit = ELEMENT_BYTES[dtype];
    const own = sizeOf(shape.slice(2));
    return {
      base,
      unit,
      bytes: (first, end) => {
        const [b0, b1] = [Math.floor(first / perElement), Math.floor((end - 1) / perElement)];
        const h0 = b0 === b1 ? (first % perElement) * packed : 0;
        const h1 = b0 === b1 ? ((end - 1) % perElement) * packed + packed - 1 : heads - 1;
        const at = (b: number, h: number): number => unit * (b * strides[0] + h * strides[1]);
        return [at(b0, h0), at(b1, h1) + unit * own];
      },
    };
  };
  const queries = { each: heads, length: queryLength };
  const keys = { each: kvHeads, length: keyLength };
  const weights = 4 * packed * queryLength * keyLength;
  return {
    query: rows('queryBase', { ...queries, depth: headDim }),
    key: rows('keyBase', { ...keys, depth: headDim }),
    value: rows('valueBase', { ...keys, depth: valueDim }),
    output: rows('outputBase', { ...queries, depth: valueDim }),
    weightsOut: {
      base: 'weightsBase',
      unit: 4,
      bytes: (first, end) => [first * weights, end * weights],
    },
    ...(mask && { mask: term('maskBase', mask.kind === 'boolean' ? 'bool' : 'float32', mask.shape) }),
    ...(bias && { bias: term('biasBase', 'float32', bias.shape) }),
  };
}

import type { AttentionBackend } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { type ForwardOptions, attend } from './attend.ts';
import type { MaskedScope } from './masks.ts';
import { type FloatTensor, reshape } from './tensors.ts';

export interface AttendedScores {
  /** `[B, Lq, Ev]`. */
  readonly output: FloatTensor;
  /** `[B, 1, Lq, Lk]`, if requested. */
  readonly weights: FloatTensor;
  gradient(dOutput: FloatTensor): Promise<{
    /** `[B, 1, Lq, Lk]`. */
    readonly dScores: FloatTensor;
    readonly dValue: FloatTensor;
  }>;
}

/**
 * Attention by scores other than dot products. The backend receives them as the bias of queries and keys of zeros, so
 * softmax, masks, values and gradients are the backend's own.
 *
 * @param scores `[B, 1, Lq, Lk]`.
 * @param value `[B, Lk, Ev]`.
 */
export async function attendScores(
  backend: AttentionBackend,
  scores: FloatTensor,
  value: FloatTensor,
  scope: MaskedScope,
  options: ForwardOptions,
): Promise<AttendedScores> {
  const [batch, , queries, keys] = scores.shape;
  const attended = await attend(
    backend,
    {
      query: zeros(scores.dtype, [batch, queries, 1, 1]),
      key: zeros(scores.dtype, [batch, keys, 1, 1]),
      value: oneHead(value),
      bias: scores,
      ...scope,
    },
    options,
  );
  return {
    output: withoutHead(attended.output),
    weights: attended.weights,
    async gradient(dOutput) {
      const { dBias, dValue } = await attended.gradient(oneHead(dOutput));
      return { dScores: dBias!, dValue: withoutHead(dValue) };
    },
  };
}

/** `[B, L, E]` → `[B, L, 1, E]`. */
export function oneHead(value: FloatTensor): FloatTensor {
  const [batch, length, width] = value.shape;
  return reshape(value, [batch, length, 1, width]);
}

/** `[B, L, 1, E]` → `[B, L, E]`. */
export function withoutHead(value: FloatTensor): FloatTensor {
  const [batch, length, , width] = value.shape;
  return reshape(value, [batch, length, width]);
}

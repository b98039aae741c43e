import type { AttentionBackend } from '@heed/core';
import { type FloatTensor, MultiHeadAttention, type NamedTensors } from '@heed/layers';
import { Averaging, type MixerInputs } from './averaging.ts';

/** What attention and its replacement have in common: queries are told something about keys. */
export interface Mixer {
  readonly parameters: NamedTensors;
  forward(
    backend: AttentionBackend,
    inputs: MixerInputs,
    options: { readonly weights: true; readonly gradient: true },
  ): Promise<Mixed>;
}

export interface Mixed {
  /** `[B, Lq, E]`. */
  readonly output: FloatTensor;
  /** `[B, heads, Lq, Lk]`, of attention. */
  readonly weights?: FloatTensor;
  gradient(dOutput: FloatTensor): Promise<{
    readonly dQuery: FloatTensor;
    readonly dKey?: FloatTensor;
    readonly parameters: NamedTensors;
  }>;
}

/** Attention, or as many parameters without it. */
export function mixerOf(
  withAttention: boolean,
  options: { readonly embedDim: number; readonly heads: number; readonly random: () => number },
): Mixer {
  return withAttention ? new MultiHeadAttention(options) : new Averaging(options);
}

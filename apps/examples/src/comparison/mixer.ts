import type { AttentionBackend } from '@heed/core';
import { type FloatTensor, MultiHeadAttention, type NamedTensors } from '@heed/layers';
import { Averaging, type MixerInputs } from './averaging.ts';

/** Interface of attention and its replacement: both tell queries something about keys. */
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
  /** Weights of attention, `[B, heads, Lq, Lk]`. */
  readonly weights?: FloatTensor;
  gradient(dOutput: FloatTensor): Promise<{
    readonly dQuery: FloatTensor;
    readonly dKey?: FloatTensor;
    readonly parameters: NamedTensors;
  }>;
}

/** Creates attention, or a replacement with as many parameters. */
export function mixerOf(
  withAttention: boolean,
  options: { readonly embedDim: number; readonly heads: number; readonly random: () => number },
): Mixer {
  return withAttention ? new MultiHeadAttention(options) : new Averaging(options);
}

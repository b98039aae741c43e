import { HeedError } from '@heed/core';
import type { Activation, RotaryOptions } from '@heed/layers';

/** Supported families of decoders. */
export type DecoderKind = 'gpt2' | 'llama' | 'qwen2' | 'qwen3';

/** Configuration of a decoder, from whichever file. */
export interface DecoderConfig {
  readonly kind: DecoderKind;
  readonly layers: number;
  /** E, the width of a token. */
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** F, the width between the projections of a feed-forward layer. */
  readonly hiddenDim: number;
  /** V, the number of token ids. */
  readonly vocabulary: number;
  /** The number of tokens that a text may have. */
  readonly positions: number;
  /** LayerNorm for `gpt2`, else RMSNorm. */
  readonly epsilon: number;
  readonly activation: Activation;
  /** True where projections of the attention add a bias. */
  readonly bias: { readonly input: boolean; readonly output: boolean; readonly feedForward: boolean };
  /** Null for learned positions. */
  readonly rotary: RotaryOptions | null;
  /** True if the rows of the embedding give the scores of the tokens. */
  readonly tied: boolean;
}

/** Refuses a configuration that would be computed wrongly. */
export function refuseConfig(message: string, remedy: string): never {
  throw new HeedError('UNSUPPORTED', message, { clause: 'models.config', remedy });
}

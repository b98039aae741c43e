import type { ComputeDType, PlainTensorLike } from '@heed/core';
import type { AttentionScope, ForwardOptions, When } from '../attend.ts';
import type { DropoutOptions } from '../dropout.ts';
import type { NamedTensors } from '../parameters.ts';
import type { RotaryOptions } from '../rotary/options.ts';
import type { FloatTensorLike } from '../tensor-like.ts';
import type { FloatTensor } from '../tensors.ts';
import type { KeysSoFar } from './cache/keys.ts';

/** Projections that add a bias. Default: each. */
export interface ProjectionBiases {
  readonly query?: boolean | undefined;
  readonly key?: boolean | undefined;
  readonly value?: boolean | undefined;
  readonly output?: boolean | undefined;
}

/** RMS normalization over the width of a head, with a weight `[D]` for queries and one for keys. */
export interface QueryKeyNormOptions {
  /** Default 1e-6. */
  readonly epsilon?: number | undefined;
  /** Multiplies by 1 + weight, as Gemma does. Default false. */
  readonly unitOffset?: boolean | undefined;
}

/** Options of `MultiHeadAttention`. */
export interface MultiHeadAttentionOptions {
  /** E, the width of queries and of the output. */
  readonly embedDim: number;
  /** Hq, the number of query heads. */
  readonly heads: number;
  /** Hkv, the number of key and value heads; Hq is a multiple of it. Default: Hq. */
  readonly kvHeads?: number | undefined;
  /** D, the width of a head. Default E / Hq. */
  readonly headDim?: number | undefined;
  /** The width of the key's input. Default E. */
  readonly kdim?: number | undefined;
  /** The width of the value's input. Default E. */
  readonly vdim?: number | undefined;
  /** Projections add a bias: all of them, or each by its name. Default true. */
  readonly bias?: boolean | ProjectionBiases | undefined;
  /** Normalizes each head of query and key, before they are rotated (Qwen3, Gemma 3). Default: no. */
  readonly queryKeyNorm?: QueryKeyNormOptions | undefined;
  /** A learned logit of each head joins the softmax's denominator (gpt-oss). Default false. */
  readonly sinks?: boolean | undefined;
  /** Rotates queries and keys by their positions. Default: no. */
  readonly rotary?: RotaryOptions | undefined;
  /** Factor of the scores. Default 1 / √D. */
  readonly scale?: number | undefined;
  /** Bound c of the scores, c · tanh(score / c). Default: none. */
  readonly softcap?: number | undefined;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
  /** Uniform random numbers in [0, 1) for the first weights. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Tensors of a call, with its masks and limits. */
export interface MultiHeadAttentionInputs extends AttentionScope {
  /** `[B, Lq, E]`. */
  readonly query: FloatTensorLike;
  /** `[B, Lk, kdim]`. Default: the query (self-attention). */
  readonly key?: FloatTensorLike | undefined;
  /** `[B, Lk, vdim]`. Default: the key. */
  readonly value?: FloatTensorLike | undefined;
  /** Added to the scores; broadcasts against `[B, Hq, Lq, Lk]`, and has a gradient. */
  readonly bias?: FloatTensorLike | undefined;
  /** `[Hq]`: score − slope · |p − j|. */
  readonly alibiSlopes?: FloatTensorLike | undefined;
  /** int32 `[Lq]` or `[B, Lq]`, for rotary embeddings. Default 0, 1, … where Lq = Lk; else both must be given. */
  readonly queryPositions?: PlainTensorLike | undefined;
  /** int32 `[Lk]` or `[B, Lk]`. Default in self-attention: those of the queries. */
  readonly keyPositions?: PlainTensorLike | undefined;
  /**
   * Cache of the tokens so far, or pools in pages at a step. The query's tokens follow and join them; one call at a time. Lk is
   * then the capacity; positions continue from each sequence's length, and masks broadcast against the capacity.
   */
  readonly cache?: KeysSoFar | undefined;
}

/** Gradients of `MultiHeadAttention`, in the shapes of its inputs and parameters. */
export interface MultiHeadAttentionGradients {
  /** Gradient of the query, and of the key and value that it stood for where they were left out. */
  readonly dQuery: FloatTensor;
  /** Gradient of the key, and of the value that it stood for; present if a key was given. */
  readonly dKey?: FloatTensor;
  /** Gradient of the value; present if one was given. */
  readonly dValue?: FloatTensor;
  /** Gradient of the bias; present if one was given. */
  readonly dBias?: FloatTensor;
  /** Gradients of the parameters, by the names of {@link MultiHeadAttention.parameters}. */
  readonly parameters: NamedTensors;
}

/** Options of a forward pass of `MultiHeadAttention`. */
export interface MultiHeadForwardOptions extends ForwardOptions {
  /** Also the natural logarithm of the softmax's denominator. Default false. */
  readonly logSumExp?: boolean | undefined;
  /**
   * In training: drops weights at random, as the request of `attention()` does. Use another seed for each layer and step. Default:
   * none.
   */
  readonly dropout?: Pick<DropoutOptions, 'probability' | 'seed'> | undefined;
}

/** Results of `MultiHeadAttention`; what the options do not ask for is not computed, and is missing from the type. */
export type MultiHeadAttentionResults<Options> = {
  /** `[B, Lq, E]`. */
  readonly output: FloatTensor;
} & When<Options, 'weights', { /** `[B, Hq, Lq, Lk]`. */ readonly weights: FloatTensor }> &
  (Options extends { readonly logSumExp: true }
    ? { /** `[B, Hq, Lq]`; −∞ in an empty row. */ readonly logSumExp: FloatTensor }
    : unknown) &
  When<
    Options,
    'gradient',
    {
      /** Inputs and parameters must be unchanged since the forward call. */
      gradient(dOutput: FloatTensorLike): Promise<MultiHeadAttentionGradients>;
    }
  >;

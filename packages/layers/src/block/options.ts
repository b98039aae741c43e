import type { ComputeDType } from '@heed/core';
import type { Activation } from '../activation/activation.ts';
import type { When } from '../attend.ts';
import type { DropoutOptions } from '../dropout.ts';
import type { FeedForwardOptions } from '../feed-forward.ts';
import type {
  MultiHeadAttentionInputs,
  MultiHeadAttentionOptions,
  MultiHeadForwardOptions,
} from '../multi-head-attention/options.ts';
import type { NamedTensors } from '../parameters.ts';
import type { FloatTensorLike } from '../tensor-like.ts';
import type { FloatTensor } from '../tensors.ts';

/** Options of `TransformerBlock`. */
export interface TransformerBlockOptions extends Pick<FeedForwardOptions, 'hiddenDim' | 'gated'> {
  /** E, the width of input and output. */
  readonly embedDim: number;
  /** Hq, the number of query heads. */
  readonly heads: number;
  /** Options of the self-attention, and apart from `rotary` of the cross-attention. */
  readonly attention?:
    | Omit<MultiHeadAttentionOptions, 'embedDim' | 'heads' | 'kdim' | 'vdim' | 'dtype' | 'random'>
    | undefined;
  /** Attends to a memory between self-attention and feed-forward layer, as a decoder does. Default false. */
  readonly cross?: boolean | undefined;
  /** M, the width of the memory. Default E. */
  readonly memoryDim?: number | undefined;
  /** Pre-norm: x + f(norm(x)). False is post-norm: norm(x + f(x)). Default true. */
  readonly normFirst?: boolean | undefined;
  /** `layer` or `rms`. Default `layer`. */
  readonly norm?: 'layer' | 'rms' | undefined;
  /** Added to the variance in the norms. Default 1e-5 for `layer`, 1e-6 for `rms`. */
  readonly epsilon?: number | undefined;
  /** The feed-forward layer's function. Default `gelu`. */
  readonly activation?: Activation | undefined;
  /** Projections add a bias; `attention.bias` goes before it. Default true. */
  readonly bias?: boolean | undefined;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
  /** Uniform random numbers in [0, 1) for the first weights. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Inputs of a block; masks and positions are those of the self-attention. */
export interface TransformerBlockInputs extends Omit<MultiHeadAttentionInputs, 'query' | 'key' | 'value'> {
  /** `[B, L, E]`. */
  readonly input: FloatTensorLike;
  /** `[B, Lm, M]`: with `cross`. */
  readonly memory?: FloatTensorLike | undefined;
  /** Padding of the memory, bool `[B, Lm]`: true may be attended to. */
  readonly memoryMask?: MultiHeadAttentionInputs['keyMask'];
}

/** Options of a forward pass of `TransformerBlock`. */
export interface TransformerBlockForwardOptions extends Omit<
  MultiHeadForwardOptions,
  'logSumExp' | 'dropout'
> {
  /**
   * In training: drops from each branch before it is added, and between the projections of the feed-forward layer. Use
   * another seed for each block and step. Default: none.
   */
  readonly dropout?: Pick<DropoutOptions, 'probability' | 'seed'> | undefined;
  /**
   * In training: drops weights of self- and cross-attention, as {@link MultiHeadForwardOptions.dropout} does; cross-attention's at
   * seed ± 2⁵². Needs the backend's feature `dropout`. Default: none.
   */
  readonly attentionDropout?: MultiHeadForwardOptions['dropout'] | undefined;
}

/** Gradients of `TransformerBlock`, in the shapes of its inputs and parameters. */
export interface TransformerBlockGradients {
  readonly dInput: FloatTensor;
  /** Gradient of the memory; present if one was given. */
  readonly dMemory?: FloatTensor;
  /** Gradient of the bias; present if one was given. */
  readonly dBias?: FloatTensor;
  /** Gradients of the parameters, by the names of {@link TransformerBlock.parameters}. */
  readonly parameters: NamedTensors;
}

/** Results of `TransformerBlock`; weights and gradient where the options ask for them. */
export type TransformerBlockResults<Options> = {
  /** `[B, L, E]`. */
  readonly output: FloatTensor;
} & When<
  Options,
  'weights',
  {
    /** Weights of the self-attention, `[B, Hq, L, L]`. */
    readonly weights: FloatTensor;
    /** Weights of the cross-attention, `[B, Hq, L, Lm]`, if the block has one. */
    readonly crossWeights?: FloatTensor;
  }
> &
  When<
    Options,
    'gradient',
    {
      /** Inputs and parameters must be unchanged since the forward call. */
      gradient(dOutput: FloatTensorLike): Promise<TransformerBlockGradients>;
    }
  >;

import type { AttentionBackend, ComputeDType } from '@heed/core';
import {
  ACTIVATIONS,
  abortSignal,
  assertBackend,
  checkOptions,
  flag,
  oneOf,
  required,
  text,
} from '@heed/core/backend';
import { type Activation, activate, activationGradient } from './activation/activation.ts';
import { dropoutKernels } from './engine/dropout.ts';
import { type FeedForwardParts, feedForwardOn } from './engine/feed-forward.ts';
import { Projections, offersLinear } from './engine/projections.ts';
import { type DropoutOptions, dropout } from './dropout.ts';
import type { ForwardOnOptions, ForwardOnResults } from './forward-on.ts';
import { type LinearGradients, linear, linearGradient } from './matrix/linear.ts';
import { FIRST_WEIGHTS, count } from './options.ts';
import { type NamedTensors, initialUniform } from './parameters.ts';
import { leaveRaw } from './reactive.ts';
import { type StateDict, copyParameters, underPrefix } from './state-dict/copy.ts';
import { feedForwardOf } from './state-dict/feed-forward.ts';
import { type FloatTensorLike, lastAxis } from './tensor-like.ts';
import { type FloatTensor, product, sum } from './tensors.ts';

/** Options of {@link FeedForward}. */
export interface FeedForwardOptions {
  /** E, the width of input and output. */
  readonly embedDim: number;
  /** F, the width in between. Default 4 E. */
  readonly hiddenDim?: number | undefined;
  /** Default `gelu`. */
  readonly activation?: Activation | undefined;
  /** Multiplies the projection by a second one, the gate, which is activated. Default false. */
  readonly gated?: boolean | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
  /** Uniform random numbers in [0, 1) for the first weights. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Output of a forward pass, and its gradient. */
export interface FeedForwardResults {
  /** `[…, E]`. */
  readonly output: FloatTensor;
  /** Inputs and parameters must be unchanged since the forward call. */
  gradient(dOutput: FloatTensorLike): LinearGradients;
}

/** Options of {@link FeedForward}'s forward pass on an engine, whose tensors stay there. */
export interface FeedForwardOnOptions extends ForwardOnOptions {
  /** Dropout of what is between the projections. Default: none. */
  readonly dropout?: DropoutOptions | undefined;
}

/** Parts of a layer, for a block that computes it with its neighbors. */
export let partsOf: (layer: FeedForward) => FeedForwardParts;

/**
 * The feed-forward layer of a transformer, down(f(up(x))) (Vaswani et al. 2017, section 3.3); `gated`,
 * down(f(gate(x)) · up(x)) (Shazeer, "GLU variants improve transformer", 2020): SwiGLU with `silu`, GeGLU with `gelu` or
 * `geluTanh`, GLU with `sigmoid`.
 *
 * Parameters: `up.weight` `[F, E]`, `gate.weight` `[F, E]` where gated, `down.weight` `[E, F]`, and a `.bias` beside each.
 * First weights as in `torch.nn.Linear`.
 *
 * @example
 * ```ts
 * import { FeedForward } from '@heed/layers';
 *
 * const layer = new FeedForward({ embedDim: 4, hiddenDim: 8, activation: 'silu', gated: true, bias: false }); // SwiGLU
 * const { output, gradient } = layer.forward([[1, 2, 3, 4]]);
 * console.log(Object.keys(gradient(output).parameters).join(' ')); // up.weight gate.weight down.weight
 * ```
 */
export class FeedForward {
  static {
    leaveRaw(this.prototype);
    partsOf = (layer) => ({
      parameters: layer.parameters,
      projections: layer.#projections,
      activation: layer.#activation,
      dropouts: layer.#dropouts,
    });
  }

  readonly parameters: NamedTensors;
  readonly #activation: Activation;
  readonly #dtype: ComputeDType;
  readonly #projections = new Projections();
  readonly #dropouts = dropoutKernels();

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: FeedForwardOptions) {
    checkOptions('FeedForward', options, {
      embedDim: required(count),
      hiddenDim: count,
      activation: oneOf(...ACTIVATIONS),
      gated: flag,
      bias: flag,
      ...FIRST_WEIGHTS,
    });
    const { embedDim, hiddenDim = 4 * embedDim, gated = false, bias = true } = options;
    const { activation = 'gelu', dtype = 'float32', random = Math.random } = options;
    this.#activation = activation;
    this.#dtype = dtype;
    const made = (name: string, out: number, into: number): Record<string, FloatTensor> => {
      const limit = 1 / Math.sqrt(into);
      return {
        [`${name}.weight`]: initialUniform(dtype, [out, into], limit, random),
        ...(bias && { [`${name}.bias`]: initialUniform(dtype, [out], limit, random) }),
      };
    };
    this.parameters = {
      ...made('up', hiddenDim, embedDim),
      ...(gated && made('gate', hiddenDim, embedDim)),
      ...made('down', embedDim, hiddenDim),
    };
  }

  /**
   * @param given `[…, E]`.
   * @param options.dropout of what is between the projections. Default: none.
   * @throws HeedError `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`.
   */
  forward(
    given: FloatTensorLike,
    options: { readonly dropout?: DropoutOptions | undefined } = {},
  ): FeedForwardResults {
    checkOptions('forward()', options, { dropout: true });
    const input = lastAxis('input', given, this.#dtype, this.parameters['up.weight'].shape[1]);
    const up = this.#project('up', input);
    const gate = this.parameters['gate.weight'] && this.#project('gate', input);
    const activated = activate(this.#activation, gate ?? up);
    const drop = (value: FloatTensor): FloatTensor =>
      options.dropout === undefined ? value : dropout(value, options.dropout);
    const hidden = drop(gate === undefined ? activated : product(activated, up));
    return {
      output: this.#project('down', hidden),
      gradient: (givenGradient) => {
        const dOutput = lastAxis('dOutput', givenGradient, this.#dtype, input.shape.at(-1)!);
        const down = this.#gradient('down', hidden, dOutput);
        const dHidden = drop(down.dInput);
        if (gate === undefined) {
          const one = this.#gradient('up', input, activationGradient(this.#activation, up, dHidden));
          return { dInput: one.dInput, parameters: { ...one.parameters, ...down.parameters } };
        }
        const ofUp = this.#gradient('up', input, product(dHidden, activated));
        const dGate = activationGradient(this.#activation, gate, product(dHidden, up));
        const ofGate = this.#gradient('gate', input, dGate);
        return {
          dInput: sum(ofUp.dInput, ofGate.dInput),
          parameters: { ...ofUp.parameters, ...ofGate.parameters, ...down.parameters },
        };
      },
    };
  }

  /**
   * The output, and its gradient where asked for, computed on a backend that offers `linear`: what is between the projections
   * stays in its memory, until the gradient was computed, where the backend offers `linear.gate` for a gate and `elementDropout`
   * for dropout. Elsewhere, and for fewer than 64 rows of a layer
   * that is not frozen, they are those of {@link forward}.
   *
   * @param given `[…, E]`.
   * @throws HeedError `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`; what the backend throws.
   */
  async forwardOn<const O extends FeedForwardOnOptions = object>(
    backend: AttentionBackend,
    given: FloatTensorLike,
    options?: O,
  ): Promise<ForwardOnResults<O>> {
    assertBackend(backend);
    checkOptions('forwardOn()', options ?? {}, { signal: abortSignal, gradient: flag, dropout: true });
    const { gradient = false, dropout: dropped, signal } = options ?? ({} as FeedForwardOnOptions);
    const input = lastAxis('input', given, this.#dtype, this.parameters['up.weight'].shape[1]);
    const isHere = !offersLinear(backend, input) || !this.#projections.isWorth(input);
    if (isHere) {
      const { output, gradient: back } = this.forward(given, dropped && { dropout: dropped });
      const results = gradient
        ? { output, gradient: async (dOutput: FloatTensorLike) => back(dOutput) }
        : { output };
      return results as unknown as ForwardOnResults<O>;
    }
    const results = await feedForwardOn(backend, partsOf(this), input, {
      gradient,
      run: signal === undefined ? {} : { signal },
      dropped: dropped ?? null,
    });
    const { gradient: back } = results;
    const complete = {
      output: results.output,
      ...(back && {
        gradient: async (dOutput: FloatTensorLike) =>
          back(lastAxis('dOutput', dOutput, this.#dtype, input.shape.at(-1)!)),
      }),
    };
    return complete as unknown as ForwardOnResults<O>;
  }

  /**
   * Declares that nobody writes to the parameters' `data` any more, as `MultiHeadAttention.freeze` does.
   *
   * @returns the layer.
   */
  freeze(): this {
    this.#projections.freeze();
    return this;
  }

  /**
   * Takes over trained parameters, converted to the layer's dtype. Names may be this layer's own, or those of
   * `torch.nn.TransformerEncoderLayer`, BERT, DistilBERT, BART, Whisper, ViT, GPT-2, Llama, Phi-3 or T5.
   *
   * @param options.prefix only the names that begin with it are looked at: `model.layers.0.mlp.`
   * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`; then nothing was
   * changed.
   */
  loadStateDict(stateDict: StateDict, options: { readonly prefix?: string | undefined } = {}): void {
    checkOptions('loadStateDict()', options, { prefix: text });
    copyParameters(this.parameters, feedForwardOf(underPrefix(stateDict, options.prefix ?? '')));
  }

  #project(name: string, input: FloatTensor): FloatTensor {
    return linear(input, this.parameters[`${name}.weight`], this.parameters[`${name}.bias`]);
  }

  #gradient(name: string, input: FloatTensor, dOutput: FloatTensor): LinearGradients {
    const { dInput, dWeight, dBias } = linearGradient(input, this.parameters[`${name}.weight`], dOutput);
    const bias = this.parameters[`${name}.bias`];
    return {
      dInput,
      parameters: { [`${name}.weight`]: dWeight, ...(bias && { [`${name}.bias`]: dBias }) },
    };
  }
}

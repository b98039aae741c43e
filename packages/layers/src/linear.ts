import type { AttentionBackend, ComputeDType } from '@heed/core';
import { checkOptions, flag, required } from '@heed/core/backend';
import { Projections } from './engine/projections.ts';
import { type ForwardOnOptions, type ForwardOnResults, checkForwardOn } from './forward-on.ts';
import { type NamedTensors, initialUniform } from './parameters.ts';
import { count, FIRST_WEIGHTS } from './options.ts';
import { type StateDict, copyParameters } from './state-dict/copy.ts';
import { type LinearGradients, linear, linearGradient } from './matrix/linear.ts';
import type { FloatTensor } from './tensors.ts';
import { type FloatTensorLike, lastAxis } from './tensor-like.ts';
import { leaveRaw } from './reactive.ts';

/** Options of {@link Linear}. */
export interface LinearOptions {
  /** Width of the input: the length of its last axis. */
  readonly inputDim: number;
  /** Width of the output. */
  readonly outputDim: number;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
  /** Uniform random numbers in [0, 1) for the first weights. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * y = x Wᵀ + b over the last axis, with `weight` `[out, in]` and `bias` `[out]` as in `torch.nn.Linear`, and its first
 * weights: uniform within ±1/√in.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { Linear } from '@heed/layers';
 *
 * const layer = new Linear({ inputDim: 2, outputDim: 1 });
 * layer.parameters.weight.data.set([3, 4]);
 * layer.parameters.bias.data.set([1]);
 * console.log(layer.forward(tensor(new Float32Array([1, 2]), [1, 2])).data[0]); // 12
 * ```
 */
export class Linear {
  static {
    leaveRaw(this.prototype);
  }

  readonly parameters: NamedTensors;
  readonly #dtype: ComputeDType;
  readonly #projections = new Projections();

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: LinearOptions) {
    checkOptions('Linear', options, {
      inputDim: required(count),
      outputDim: required(count),
      bias: flag,
      ...FIRST_WEIGHTS,
    });
    const { inputDim, outputDim, bias = true, dtype = 'float32', random = Math.random } = options;
    const limit = 1 / Math.sqrt(inputDim);
    this.#dtype = dtype;
    this.parameters = {
      weight: initialUniform(dtype, [outputDim, inputDim], limit, random),
      ...(bias && { bias: initialUniform(dtype, [outputDim], limit, random) }),
    };
  }

  /**
   * @param given `[…, in]`.
   * @returns `[…, out]`.
   * @throws HeedError `SHAPE` or `DTYPE`.
   */
  forward(given: FloatTensorLike): FloatTensor {
    const input = lastAxis('input', given, this.#dtype, this.parameters['weight'].shape[1]);
    return linear(input, this.parameters['weight'], this.parameters['bias']);
  }

  /**
   * @param given what {@link forward} was given.
   * @param givenGradient the gradient of the loss with respect to the output, `[…, out]`.
   */
  gradient(given: FloatTensorLike, givenGradient: FloatTensorLike): LinearGradients {
    const input = lastAxis('input', given, this.#dtype, this.parameters['weight'].shape[1]);
    const dOutput = lastAxis('dOutput', givenGradient, this.#dtype, this.parameters['weight'].shape[0]);
    const { dInput, dWeight, dBias } = linearGradient(input, this.parameters['weight'], dOutput);
    return { dInput, parameters: { weight: dWeight, ...(this.parameters['bias'] && { bias: dBias }) } };
  }

  /**
   * The output, and its gradient where asked for, computed on a backend that offers `linear`. Elsewhere, and for fewer than 64 rows of
   * a layer that is not frozen, they are those of {@link forward} and {@link gradient}.
   *
   * @param given `[…, in]`.
   * @throws HeedError `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`; what the backend throws.
   */
  async forwardOn<const O extends ForwardOnOptions = object>(
    backend: AttentionBackend,
    given: FloatTensorLike,
    options?: O,
  ): Promise<ForwardOnResults<O>> {
    const asked = checkForwardOn(backend, options);
    const { weight, bias } = this.parameters;
    const input = lastAxis('input', given, this.#dtype, weight.shape[1]);
    const results = await this.#projections.forward(backend, { weight, bias }, input, asked);
    return results as unknown as ForwardOnResults<O>;
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
   * Takes over trained parameters of the same names and shapes.
   *
   * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE` or `DTYPE`; then nothing was changed.
   */
  loadStateDict(stateDict: StateDict): void {
    copyParameters(this.parameters, stateDict);
  }
}

import {
  type AttentionBackend,
  type ComputeDType,
  HeedError,
  type PlainTensorLike,
  type Tensor,
} from '@heed/core';
import { checkOptions, required, zeros } from '@heed/core/backend';
import { embedGradientHere, embedHere } from '@heed/core/operations';
import { Projections } from './engine/projections.ts';
import { type ForwardOnOptions, type ForwardOnResults, checkForwardOn } from './forward-on.ts';
import { type LinearGradients, linear, linearGradient } from './matrix/linear.ts';
import { FIRST_WEIGHTS, count } from './options.ts';
import type { NamedTensors } from './parameters.ts';
import { normal } from './random.ts';
import { leaveRaw } from './reactive.ts';
import { type StateDict, copyParameters } from './state-dict/copy.ts';
import { type FloatTensorLike, integers, lastAxis } from './tensor-like.ts';
import type { FloatTensor } from './tensors.ts';

/** Options of {@link Embedding}. */
export interface EmbeddingOptions {
  /** N, the number of rows: words, positions. */
  readonly count: number;
  /** E, the width of a row. */
  readonly embedDim: number;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
  /** Uniform random numbers in [0, 1) for the first weights. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * A row of numbers for each of N things, `weight` `[N, E]`, as `torch.nn.Embedding`; normally distributed at first. An id of
 * −1 is padding: its row is 0. Tied (Press and Wolf, "Using the output embedding to improve language models", 2017), the same
 * rows give the scores of each thing at the end of a model.
 *
 * @example
 * ```ts
 * import { Embedding } from '@heed/layers';
 *
 * const words = new Embedding({ count: 3, embedDim: 2 });
 * const rows = words.forward([[2, 0]]); // [B, L] → [B, L, E]
 * console.log(rows.shape.join(' × '), '|', words.scores(rows).shape.join(' × ')); // 1 × 2 × 2 | 1 × 2 × 3
 * ```
 */
export class Embedding {
  static {
    leaveRaw(this.prototype);
  }

  readonly parameters: NamedTensors;
  readonly #dtype: ComputeDType;
  readonly #projections = new Projections();

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: EmbeddingOptions) {
    checkOptions('Embedding', options, {
      count: required(count),
      embedDim: required(count),
      ...FIRST_WEIGHTS,
    });
    const { count: rows, embedDim, dtype = 'float32', random = Math.random } = options;
    this.#dtype = dtype;
    const weight = zeros(dtype, [rows, embedDim]);
    for (let n = 0; n < weight.data.length; n++) weight.data[n] = normal(random);
    this.parameters = { weight };
  }

  /**
   * @param given int32 ids `[…]`, −1 or 0…N − 1.
   * @returns `[…, E]`.
   * @throws HeedError `SHAPE` or `DTYPE`; `ARGUMENT` for an id that has no row.
   */
  forward(given: PlainTensorLike): FloatTensor {
    const { weight } = this.parameters;
    return embedHere({ indices: this.#ids(given), weight }) as FloatTensor;
  }

  /**
   * @param given what {@link forward} was given.
   * @param givenGradient `[…, E]`.
   */
  gradient(given: PlainTensorLike, givenGradient: FloatTensorLike): Pick<LinearGradients, 'parameters'> {
    const [rows, width] = this.parameters['weight'].shape;
    const ids = this.#ids(given);
    const dOutput = lastAxis('dOutput', givenGradient, this.#dtype, width);
    if (dOutput.data.length !== ids.data.length * width) {
      throw new HeedError(
        'SHAPE',
        `dOutput is [${dOutput.shape.join(', ')}]; expected [${[...ids.shape, width].join(', ')}]`,
        { remedy: 'give the gradient of what forward returned' },
      );
    }
    const dWeight = zeros(this.#dtype, [rows, width]);
    embedGradientHere({ indices: ids }, { dOutput }, dWeight);
    return { parameters: { weight: dWeight } };
  }

  /**
   * The product with every row, x Wᵀ.
   *
   * @param given `[…, E]`.
   * @returns `[…, N]`.
   * @throws HeedError `SHAPE` or `DTYPE`.
   */
  scores(given: FloatTensorLike): FloatTensor {
    const { weight } = this.parameters;
    return linear(lastAxis('input', given, this.#dtype, weight.shape[1]), weight);
  }

  /**
   * @param given what {@link scores} was given.
   * @param givenGradient `[…, N]`.
   * @returns gradients that `addGradients` adds to those of {@link gradient}.
   */
  scoresGradient(given: FloatTensorLike, givenGradient: FloatTensorLike): LinearGradients {
    const { weight } = this.parameters;
    const input = lastAxis('input', given, this.#dtype, weight.shape[1]);
    const dOutput = lastAxis('dOutput', givenGradient, this.#dtype, weight.shape[0]);
    const { dInput, dWeight } = linearGradient(input, weight, dOutput);
    return { dInput, parameters: { weight: dWeight } };
  }

  /**
   * The output of {@link scores}, and its gradient where asked for, computed on a backend that offers `linear`. Elsewhere, and for
   * fewer than 64 rows of an embedding that is not frozen, they are those of {@link scores} and {@link scoresGradient}.
   *
   * @param given `[…, E]`.
   * @returns `output` `[…, N]`.
   * @throws HeedError `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`; what the backend throws.
   */
  async scoresOn<const O extends ForwardOnOptions = object>(
    backend: AttentionBackend,
    given: FloatTensorLike,
    options?: O,
  ): Promise<ForwardOnResults<O>> {
    const asked = checkForwardOn(backend, options);
    const { weight } = this.parameters;
    const input = lastAxis('input', given, this.#dtype, weight.shape[1]);
    const results = await this.#projections.forward(backend, { weight, bias: undefined }, input, asked);
    return results as unknown as ForwardOnResults<O>;
  }

  /**
   * Declares that nobody writes to the parameters' `data` any more, as `MultiHeadAttention.freeze` does.
   *
   * @returns the embedding.
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

  #ids(given: PlainTensorLike): Tensor<'int32'> {
    const ids = integers('ids', given);
    const [rows] = this.parameters['weight'].shape;
    const wrong = ids.data.find((id) => id < -1 || id >= rows);
    if (wrong === undefined) return ids;
    throw new HeedError('ARGUMENT', `the id ${wrong} has no row; expected −1 (padding) or 0…${rows - 1}`, {
      remedy: 'make the embedding with a higher count, or check the tokenizer',
    });
  }
}

import type { AttentionBackend, ComputeDType } from '@heed/core';
import { checkOptions, flag, required, zeros } from '@heed/core/backend';
import { Norms } from '../engine/norms.ts';
import { type ForwardOnOptions, type ForwardOnResults, checkForwardOn } from '../forward-on.ts';
import { DTYPE, count, positive } from '../options.ts';
import type { LinearGradients } from '../matrix/linear.ts';
import type { NamedTensors } from '../parameters.ts';
import { leaveRaw } from '../reactive.ts';
import { type StateDict, copyParameters } from '../state-dict/copy.ts';
import { type FloatTensorLike, lastAxis } from '../tensor-like.ts';
import { type FloatArray, type FloatTensor, vector } from '../tensors.ts';
import { forEachInfluence } from './rows.ts';

/** Options of {@link LayerNorm}. */
export interface LayerNormOptions {
  /** E, the length of the last axis. */
  readonly embedDim: number;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
}

/**
 * y = (x − mean) / √(variance + ε) · weight + bias over the last axis (Ba, Kiros and Hinton, "Layer normalization", 2016),
 * as `torch.nn.LayerNorm`: `weight` and `bias` are `[E]`, 1 and 0 at first.
 *
 * @example
 * ```ts
 * import { LayerNorm } from '@heed/layers';
 *
 * const norm = new LayerNorm({ embedDim: 2 });
 * console.log(norm.forward([[1, 3]]).data.map(Math.round).join(' ')); // -1 1
 * ```
 */
export class LayerNorm {
  static {
    leaveRaw(this.prototype);
  }

  readonly parameters: NamedTensors;
  readonly #epsilon: number;
  readonly #dtype: ComputeDType;
  readonly #norms = new Norms();

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: LayerNormOptions) {
    checkOptions('LayerNorm', options, {
      embedDim: required(count),
      epsilon: positive,
      bias: flag,
      dtype: DTYPE,
    });
    const { embedDim, epsilon = 1e-5, bias = true, dtype = 'float32' } = options;
    this.#epsilon = epsilon;
    this.#dtype = dtype;
    const weight = zeros(dtype, [embedDim]);
    weight.data.fill(1);
    this.parameters = { weight, ...(bias && { bias: zeros(dtype, [embedDim]) }) };
  }

  /**
   * @param given `[…, E]`.
   * @returns `[…, E]`.
   * @throws HeedError `SHAPE` or `DTYPE`.
   */
  forward(given: FloatTensorLike): FloatTensor {
    const input = this.#checked('input', given);
    const { data } = input;
    const weight = this.parameters['weight'].data;
    const bias = this.parameters['bias']?.data;
    const width = weight.length;
    const output = zeros(input.dtype, input.shape);
    const result = output.data;
    for (let at = 0; at < data.length; at += width) {
      const { mean, inverse } = statistics(data, at, width, this.#epsilon);
      if (bias === undefined) {
        for (let e = 0; e < width; e++) result[at + e] = (data[at + e] - mean) * inverse * weight[e];
      } else {
        for (let e = 0; e < width; e++) {
          result[at + e] = (data[at + e] - mean) * inverse * weight[e] + bias[e];
        }
      }
    }
    return output;
  }

  /**
   * @param given what {@link forward} was given.
   * @param givenGradient `[…, E]`.
   */
  gradient(given: FloatTensorLike, givenGradient: FloatTensorLike): LinearGradients {
    const input = this.#checked('input', given);
    const dOutput = this.#checked('dOutput', givenGradient);
    const { data: d } = dOutput;
    const weight = this.parameters['weight'].data;
    const width = weight.length;
    const dInput = zeros(input.dtype, input.shape);
    const dWeight = new Float64Array(width);
    const dBias = new Float64Array(width);
    // Of one row: the normalized input, and its gradient.
    const normal = new Float64Array(width);
    const dNormal = new Float64Array(width);
    const { data } = input;
    const result = dInput.data;
    forEachInfluence(dOutput, (at) => {
      const { mean, inverse } = statistics(data, at, width, this.#epsilon);
      let sum = 0;
      let weighted = 0;
      for (let e = 0; e < width; e++) {
        const gradient = d[at + e];
        const x = (data[at + e] - mean) * inverse;
        const scaled = gradient * weight[e];
        normal[e] = x;
        dNormal[e] = scaled;
        dWeight[e] += gradient * x;
        dBias[e] += gradient;
        sum += scaled;
        weighted += scaled * x;
      }
      for (let e = 0; e < width; e++) {
        result[at + e] = inverse * (dNormal[e] - (sum + normal[e] * weighted) / width);
      }
    });
    return {
      dInput,
      parameters: {
        weight: vector(input.dtype, dWeight),
        ...(this.parameters['bias'] && { bias: vector(input.dtype, dBias) }),
      },
    };
  }

  /**
   * The output, and its gradient where asked for, computed on a backend that offers `norm`. Elsewhere they are those of
   * {@link forward} and {@link gradient}.
   *
   * @param given `[…, E]`.
   * @throws HeedError `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`; what the backend throws.
   */
  async forwardOn<const O extends ForwardOnOptions = object>(
    backend: AttentionBackend,
    given: FloatTensorLike,
    options?: O,
  ): Promise<ForwardOnResults<O>> {
    const asked = checkForwardOn(backend, options);
    const input = this.#checked('input', given);
    const norm = { kind: 'layer', epsilon: this.#epsilon } as const;
    const results = await this.#norms.forward(backend, this, norm, input, asked);
    return results as unknown as ForwardOnResults<O>;
  }

  /**
   * Takes over trained parameters of the same names and shapes.
   *
   * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE` or `DTYPE`; then nothing was changed.
   */
  loadStateDict(stateDict: StateDict): void {
    copyParameters(this.parameters, stateDict);
  }

  #checked(name: string, given: FloatTensorLike): FloatTensor {
    return lastAxis(name, given, this.#dtype, this.parameters['weight'].shape[0]);
  }
}

/** The mean of a row, and 1 / √(variance + ε). */
function statistics(
  data: FloatArray,
  at: number,
  width: number,
  epsilon: number,
): { readonly mean: number; readonly inverse: number } {
  // Two sums each: one would wait for its last addition.
  const even = width - (width % 2);
  let [sum, sum2] = [0, even < width ? data[at + even] : 0];
  for (let e = 0; e < even; e += 2) {
    sum += data[at + e];
    sum2 += data[at + e + 1];
  }
  const mean = (sum + sum2) / width;
  let [squares, squares2] = [0, even < width ? (data[at + even] - mean) ** 2 : 0];
  for (let e = 0; e < even; e += 2) {
    const first = data[at + e] - mean;
    const second = data[at + e + 1] - mean;
    squares += first * first;
    squares2 += second * second;
  }
  return { mean, inverse: 1 / Math.sqrt((squares + squares2) / width + epsilon) };
}

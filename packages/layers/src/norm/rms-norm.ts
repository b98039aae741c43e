import type { AttentionBackend, ComputeDType } from '@heed/core';
import { checkOptions, flag, required, zeros } from '@heed/core/backend';
import { Norms, forwardHere } from '../engine/norms.ts';
import { type ForwardOnOptions, type ForwardOnResults, checkForwardOn } from '../forward-on.ts';
import { DTYPE, count, positive } from '../options.ts';
import type { LinearGradients } from '../matrix/linear.ts';
import type { NamedTensors } from '../parameters.ts';
import { leaveRaw } from '../reactive.ts';
import { type StateDict, copyParameters } from '../state-dict/copy.ts';
import { type FloatTensorLike, lastAxis } from '../tensor-like.ts';
import { type FloatArray, type FloatTensor, vector } from '../tensors.ts';
import { forEachInfluence } from './rows.ts';

/** Options of {@link RMSNorm}. */
export interface RMSNormOptions {
  /** E, the length of the last axis. */
  readonly embedDim: number;
  /** Added to the mean of the squares. Default 1e-6. */
  readonly epsilon?: number | undefined;
  /** Multiplies by 1 + weight, with weights that are 0 at first, as Gemma does. Default false. */
  readonly unitOffset?: boolean | undefined;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
}

/**
 * y = x / √(mean of x² + ε) · weight over the last axis (Zhang and Sennrich, "Root mean square layer normalization", 2019),
 * as `torch.nn.RMSNorm`: `weight` is `[E]`, 1 at first.
 *
 * @example
 * ```ts
 * import { RMSNorm } from '@heed/layers';
 *
 * console.log(new RMSNorm({ embedDim: 2 }).forward([[3, 3]]).data.map(Math.round).join(' ')); // 1 1
 * ```
 */
export class RMSNorm {
  static {
    leaveRaw(this.prototype);
  }

  readonly parameters: NamedTensors;
  readonly #epsilon: number;
  readonly #offset: number;
  readonly #dtype: ComputeDType;
  readonly #norms = new Norms();

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: RMSNormOptions) {
    checkOptions('RMSNorm', options, {
      embedDim: required(count),
      epsilon: positive,
      unitOffset: flag,
      dtype: DTYPE,
    });
    const { embedDim, epsilon = 1e-6, unitOffset = false, dtype = 'float32' } = options;
    this.#epsilon = epsilon;
    this.#offset = unitOffset ? 1 : 0;
    this.#dtype = dtype;
    const weight = zeros(dtype, [embedDim]);
    weight.data.fill(1 - this.#offset);
    this.parameters = { weight };
  }

  /**
   * @param given `[…, E]`.
   * @returns `[…, E]`.
   * @throws HeedError `SHAPE` or `DTYPE`.
   */
  forward(given: FloatTensorLike): FloatTensor {
    const input = this.#checked('input', given);
    const weight = this.parameters['weight'].data;
    const output = zeros(input.dtype, input.shape);
    for (let at = 0; at < input.data.length; at += weight.length) {
      const inverse = this.#inverse(input.data, at, weight.length);
      for (let e = 0; e < weight.length; e++) {
        output.data[at + e] = input.data[at + e] * inverse * (this.#offset + weight[e]);
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
    const sums = new Float64Array(width);
    forEachInfluence(dOutput, (at) => {
      const inverse = this.#inverse(input.data, at, width);
      let weighted = 0;
      for (let e = 0; e < width; e++) {
        const normal = input.data[at + e] * inverse;
        sums[e] += d[at + e] * normal;
        weighted += d[at + e] * (this.#offset + weight[e]) * normal;
      }
      for (let e = 0; e < width; e++) {
        const normal = input.data[at + e] * inverse;
        dInput.data[at + e] =
          inverse * (d[at + e] * (this.#offset + weight[e]) - (normal * weighted) / width);
      }
    });
    return { dInput, parameters: { weight: vector(input.dtype, sums) } };
  }

  /**
   * The output, and its gradient where asked for, computed on a backend that offers `norm`. Elsewhere, and with `unitOffset`, they
   * are those of {@link forward} and {@link gradient}.
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
    const norm = { kind: 'rms', epsilon: this.#epsilon } as const;
    const results =
      this.#offset === 0
        ? await this.#norms.forward(backend, this, norm, input, asked)
        : forwardHere(this, input, asked.gradient);
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

  /** 1 / √(mean of the squares of a row + ε). */
  #inverse(data: FloatArray, at: number, width: number): number {
    let squares = 0;
    for (let e = 0; e < width; e++) squares += data[at + e] ** 2;
    return 1 / Math.sqrt(squares / width + this.#epsilon);
  }
}

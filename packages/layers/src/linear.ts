import type { ComputeDType } from '@heed/core';
import { checkOptions, flag, required, sumOfRows, withoutIgnoredRows, zeros } from '@heed/core/backend';
import { type NamedTensors, initialUniform } from './parameters.ts';
import { count, FIRST_WEIGHTS } from './options.ts';
import { type StateDict, copyParameters } from './state-dict/copy.ts';
import { type FloatTensor, reshape } from './tensors.ts';
import { matrix, multiply, transpose } from './matrix/multiply.ts';
import { type FloatTensorLike, lastAxis } from './tensor-like.ts';
import { leaveRaw } from './reactive.ts';

export interface LinearOptions {
  /** Width of the input: the length of its last axis. */
  readonly inputDim: number;
  /** Width of the output. */
  readonly outputDim: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default `float32`. */
  readonly dtype?: ComputeDType;
  /** Uniform random numbers in [0, 1) for the first weights. Default `Math.random`. */
  readonly random?: () => number;
}

/** The gradients of a {@link Linear}. */
export interface LinearGradients {
  readonly dInput: FloatTensor;
  /** Gradients of the parameters, by the names of {@link Linear.parameters}. */
  readonly parameters: NamedTensors;
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

  /** @throws HeedError `ARGUMENT`. */
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
   * Takes over trained parameters of the same names and shapes.
   *
   * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE` or `DTYPE`; then nothing was changed.
   */
  loadStateDict(stateDict: StateDict): void {
    copyParameters(this.parameters, stateDict);
  }
}

/** x Wᵀ + b over the last axis. */
export function linear(x: FloatTensor, weight: FloatTensor, bias?: FloatTensor): FloatTensor {
  const [outputs, inputs] = weight.shape;
  const output = zeros(x.dtype, [...x.shape.slice(0, -1), outputs]);
  const rows = x.data.length / inputs;
  multiply(
    matrix(x.data, rows, inputs),
    transpose(matrix(weight.data, outputs, inputs)),
    output.data,
    bias?.data,
  );
  return output;
}

/** The gradients of {@link linear}: dX = dY W, dW = dYᵀ X, db = Σ dY. */
export function linearGradient(
  x: FloatTensor,
  weight: FloatTensor,
  dOutput: FloatTensor,
): { readonly dInput: FloatTensor; readonly dWeight: FloatTensor; readonly dBias: FloatTensor } {
  const [outputs, inputs] = weight.shape;
  const rows = x.data.length / inputs;
  const dInput = zeros(x.dtype, x.shape);
  const dWeight = zeros(x.dtype, weight.shape);
  const dY = matrix(dOutput.data, rows, outputs);
  multiply(dY, matrix(weight.data, outputs, inputs), dInput.data);
  multiply(transpose(dY), matrix(withoutIgnoredRows(x, dOutput).data, rows, inputs), dWeight.data);
  return { dInput, dWeight, dBias: sumOfRows(reshape(dOutput, [rows, outputs])) };
}

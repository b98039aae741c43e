import { sumOfRows, withoutIgnoredRows, zeros } from '@heed/core/backend';
import type { NamedTensors } from '../parameters.ts';
import { type FloatTensor, reshape } from '../tensors.ts';
import { matrix, multiply, transpose } from './multiply.ts';

/** The gradients of a layer of one input. */
export interface LinearGradients {
  readonly dInput: FloatTensor;
  /** Gradients of the parameters, by the names of the layer. */
  readonly parameters: NamedTensors;
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

import type { ComputeDType } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { type FloatTensor, sum } from './tensors.ts';

/**
 * The trainable tensors of a layer by name, or gradients for them. Plain tensors: read them, write to their `data`,
 * save them. An optimizer changes them in place.
 */
export type NamedTensors = Readonly<Record<string, FloatTensor>>;

/** Uniform within ±limit. */
export function initialUniform(
  dtype: ComputeDType,
  shape: readonly number[],
  limit: number,
  random: () => number,
): FloatTensor {
  const result = zeros(dtype, shape);
  for (let n = 0; n < result.data.length; n++) result.data[n] = limit * (2 * random() - 1);
  return result;
}

/**
 * Uniform within ±√(6 / (in + out)) for a weight `[out, in]` (Glorot and Bengio, "Understanding the difficulty of
 * training deep feedforward neural networks", AISTATS 2010, section 4.2.1).
 */
export function initialGlorot(
  dtype: ComputeDType,
  [outputs, inputs]: readonly [number, number],
  random: () => number,
): FloatTensor {
  return initialUniform(dtype, [outputs, inputs], Math.sqrt(6 / (inputs + outputs)), random);
}

/** A layer, or the result of its gradient; parameters themselves; several of these. */
export type ParameterSource =
  | { readonly parameters: NamedTensors }
  | NamedTensors
  | readonly ParameterSource[];

/**
 * The parameters of several layers under one name each, joined by dots as in PyTorch's state dicts:
 * `blocks.0.selfAttention.query.weight`. They are the same tensors: an optimizer that changes them changes the layers.
 * Gradients of the same layers are collected alike, under the same names.
 *
 * @example
 * ```ts
 * import { LayerNorm, Linear, collectParameters } from '@heed/layers';
 *
 * const model = { layers: [new Linear({ inputDim: 2, outputDim: 2 })], norm: new LayerNorm({ embedDim: 2 }) };
 * console.log(Object.keys(collectParameters(model)).join(' ')); // layers.0.weight layers.0.bias norm.weight norm.bias
 * ```
 */
export function collectParameters(layers: Readonly<Record<string, ParameterSource>>): NamedTensors {
  return Object.fromEntries(
    Object.entries(layers).flatMap(([name, source]) =>
      Object.entries(tensorsOf(source)).map(([inner, tensor]) => [`${name}.${inner}`, tensor]),
    ),
  );
}

function tensorsOf(source: ParameterSource): NamedTensors {
  if (Array.isArray(source)) return collectParameters(Object.fromEntries(Object.entries(source)));
  const { parameters } = source as { readonly parameters: NamedTensors };
  return parameters ?? (source as NamedTensors);
}

/**
 * The sum of several gradients by name: of the parts of a batch, or of a tied weight, which has one of each use.
 * A name may be in some of them only.
 */
export function addGradients(...gradients: readonly NamedTensors[]): NamedTensors {
  const result: Record<string, FloatTensor> = {};
  for (const [name, gradient] of gradients.flatMap((part) => Object.entries(part))) {
    result[name] = result[name] === undefined ? gradient : sum(result[name], gradient);
  }
  return result;
}

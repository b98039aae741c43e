import { type ComputeDType, HeedError } from '@heed/core';
import { shown, zeros } from '@heed/core/backend';
import { type FloatTensor, checkNamed, sum } from './tensors.ts';

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
 * @throws HeedError `ARGUMENT`, `SHAPE` or `DTYPE` for what is neither a layer nor tensors by name.
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
  if (typeof layers !== 'object' || layers === null) {
    throw new HeedError(
      'ARGUMENT',
      `collectParameters(): layers are ${shown(layers)}; expected them by name`,
      {
        remedy: 'give an object of layers, such as { blocks, norm }',
      },
    );
  }
  return Object.fromEntries(
    Object.entries(layers).flatMap(([name, source]) =>
      Object.entries(tensorsOf(source)).map(([inner, tensor]) => [`${name}.${inner}`, tensor]),
    ),
  );
}

function tensorsOf(source: ParameterSource): NamedTensors {
  // Not Object.entries(), which passes over holes.
  if (Array.isArray(source)) {
    return collectParameters(
      Object.fromEntries(Array.from(source, (layer, n) => [n, layer as ParameterSource])),
    );
  }
  const { parameters = source } = (source ?? {}) as { readonly parameters?: unknown };
  checkNamed('the parameters', parameters);
  return parameters as NamedTensors;
}

/**
 * The sum of several gradients by name: of the parts of a batch, or of a tied weight, which has one of each use.
 * A name may be in some of them only.
 *
 * @throws HeedError `ARGUMENT`, `SHAPE` or `DTYPE`.
 */
export function addGradients(...gradients: readonly NamedTensors[]): NamedTensors {
  for (const part of gradients) checkNamed('the gradients', part);
  const result: Record<string, FloatTensor> = {};
  for (const [name, gradient] of gradients.flatMap((part) => Object.entries(part))) {
    result[name] = result[name] === undefined ? gradient : sum(result[name], gradient);
  }
  return result;
}

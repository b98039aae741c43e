import { HeedError, type Tensor } from '@heed/core';
import { listed, shown } from '@heed/core/backend';
import { recordChange } from '../engine/versions.ts';
import type { NamedTensors } from '../parameters.ts';
import { type FloatTensor, checkNamed, checkPlain } from '../tensors.ts';

/** Tensors by name, as a model file holds them. */
export type StateDict = Readonly<Record<string, Tensor>>;

/**
 * Copies tensors into parameters of the same names and shapes, all or none.
 *
 * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE` or `DTYPE`.
 */
export function copyParameters(parameters: NamedTensors, stateDict: StateDict): void {
  for (const [name, parameter] of Object.entries(parameters)) checkEntry(name, stateDict[name], parameter);
  const unexpected = Object.keys(stateDict).filter((name) => !(name in parameters));
  if (unexpected.length > 0) {
    throw new HeedError('UNEXPECTED_INPUT', `the layer has no ${listed(unexpected)}`, {
      remedy: `leave them out; its parameters are ${listed(Object.keys(parameters))}`,
    });
  }
  for (const [name, parameter] of Object.entries(parameters)) {
    parameter.data.set((stateDict[name] as FloatTensor).data);
    recordChange(parameter);
  }
}

/**
 * Copies tensors into the parameters of a model, all or none: the inverse of `collectParameters`. A layer that has packed its
 * parameters on an engine packs them again.
 *
 * @param parameters of a layer, or what `collectParameters` returned.
 * @param stateDict tensors under the same names, such as a file's.
 * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE`, `DTYPE` or `ARGUMENT`.
 *
 * @example
 * ```ts
 * import { Linear, assignParameters, collectParameters, readSafetensors, writeSafetensors } from '@heed/layers';
 *
 * const made = () => collectParameters({ layers: [0, 1].map(() => new Linear({ inputDim: 2, outputDim: 2 })) });
 * const [trained, other] = [made(), made()];
 * assignParameters(other, readSafetensors(writeSafetensors(trained)).stateDict(''));
 * console.log(other['layers.1.weight']!.data.join() === trained['layers.1.weight']!.data.join()); // true
 * ```
 */
export function assignParameters(parameters: NamedTensors, stateDict: StateDict): void {
  checkNamed('the parameters', parameters);
  copyParameters(parameters, underPrefix(stateDict, ''));
}

function checkEntry(name: string, value: Tensor | undefined, parameter: FloatTensor): void {
  const expected = `[${parameter.shape.join(', ')}]`;
  if (value === undefined) {
    throw new HeedError('MISSING_INPUT', `the state dict has no ${name}; expected ${expected}`, {
      remedy: 'check the prefix, and whether the layer was made with the right bias option',
    });
  }
  if (value.shape.join() !== parameter.shape.join()) {
    throw new HeedError('SHAPE', `${name} is [${value.shape.join(', ')}]; expected ${expected}`, {
      remedy: 'make the layer with the widths and heads of the weights',
    });
  }
  if (value.dtype !== 'float32' && value.dtype !== 'float64') {
    throw new HeedError('DTYPE', `${name} is ${value.dtype}; expected float32 or float64`, {
      remedy: "convert the numbers: cast(tensor, 'float32')",
    });
  }
}

/**
 * The entries whose names begin with a prefix, without it.
 *
 * @throws HeedError `ARGUMENT` for what is not a state dict, `SHAPE` for an entry that is not a tensor.
 */
export function underPrefix(stateDict: StateDict, prefix: string): StateDict {
  if (typeof stateDict !== 'object' || stateDict === null || isPromise(stateDict)) {
    throw new HeedError(
      'ARGUMENT',
      `the state dict is ${isPromise(stateDict) ? 'a promise' : shown(stateDict)}; expected tensors by name`,
      { remedy: 'give what stateDict() of a file returns, awaited if it is a promise' },
    );
  }
  // Selects names first: reading a tensor of a type that Heed does not hold throws.
  return Object.fromEntries(
    Object.keys(stateDict)
      .filter((name) => name.startsWith(prefix))
      .map((name) => {
        const value = stateDict[name];
        checkPlain(name, value);
        return [name.slice(prefix.length), value];
      }),
  );
}

function isPromise(given: unknown): boolean {
  return typeof (given as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function';
}

import {
  type AttentionBackend,
  type LinearKernel,
  type LinearParameters,
  type LinearProblem,
  type PackedWeights,
  type StoredWeight,
  type Tensor,
} from '@heed/core';
import type { BehaviorCase, Subject } from '../../../case.ts';
import { randomFrom } from '../../../random.ts';
import { behavior } from '../../building/behavior.ts';
import { numbersOf } from '../numbers.ts';

/** A projection and its inputs, in short. */
export interface LinearSketch extends LinearProblem {
  /** The axes before the last one. Default `[3]`. */
  readonly rows?: readonly number[];
  /** Standard deviation of the weights. Default 1. */
  readonly spread?: number;
}

/** @typeParam W the weight: stored in blocks or 16 bits where the problem says so. */
export interface LinearSetting<W = Tensor> {
  readonly problem: Required<LinearProblem>;
  readonly parameters: LinearParameters<Tensor, W>;
  readonly input: Tensor;
  readonly dOutput: Tensor;
}

/** Random numbers for a sketch, the same each time. */
export function settingOf({ rows = [3], spread = 1, ...given }: LinearSketch, seed: string): LinearSetting {
  const { dtype = 'float32' } = given;
  const plain = {
    bias: false,
    activation: null,
    gate: false,
    gradient: false,
    argument: false,
    weightType: dtype,
    dtype,
  } as const;
  const problem = { ...plain, ...given, dtype };
  const { inputDim, outputDim } = problem;
  const sums = problem.gate ? 2 * outputDim : outputDim;
  const random = randomFrom(seed);
  const numbers = (shape: readonly number[], size = 1): Tensor =>
    numbersOf(dtype, shape, () => size * random.normal());
  return {
    problem,
    parameters: {
      weight: numbers([sums, inputDim], spread),
      ...(problem.bias && { bias: numbers([sums]) }),
    },
    input: numbers([...rows, inputDim]),
    dOutput: numbers([...rows, outputDim]),
  };
}

/** A case of the clause, for backends that offer the operation. */
export function linearCase(
  name: string,
  sketch: LinearSketch,
  run: (subject: Subject & { readonly setting: LinearSetting }, id: string) => Promise<void>,
): BehaviorCase {
  return {
    ...behavior('linear', name, [], (subject, id) => run({ ...subject, setting: settingOf(sketch, id) }, id)),
    operations: ['linear'],
    ...(sketch.dtype !== undefined && { dtype: sketch.dtype }),
  };
}

/** Compiles and packs, works, and disposes both. */
export async function withWeights<T>(
  backend: AttentionBackend,
  { problem, parameters }: Pick<LinearSetting<Tensor | StoredWeight>, 'problem' | 'parameters'>,
  work: (kernel: LinearKernel, weights: PackedWeights) => Promise<T>,
): Promise<T> {
  const kernel = await backend.linear!.compile(problem);
  try {
    const weights = await kernel.pack(parameters);
    const result = await work(kernel, weights);
    weights.dispose();
    return result;
  } finally {
    await kernel.dispose();
  }
}

/** The output of a setting, as plain numbers. */
export function outputOf(
  backend: AttentionBackend,
  setting: LinearSetting<Tensor | StoredWeight>,
): Promise<Tensor> {
  return withWeights(backend, setting, async (kernel, weights) => {
    const { output } = await kernel.run({ input: setting.input, weights });
    return output;
  });
}

import {
  type AttentionBackend,
  type NormForward,
  type NormInputs,
  type NormKernel,
  type NormProblem,
  type Tensor,
  tensor,
} from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { BehaviorCase, Subject } from '../../../case.ts';
import { randomFrom } from '../../../random.ts';
import { behavior } from '../../building/behavior.ts';

/** A norm and its inputs, in short. */
export interface NormSketch extends NormProblem {
  /** The axes before the last one. Default `[3]`. */
  readonly rows?: readonly number[];
  /** Standard deviation of the input, and its mean. Default 1 and 0. */
  readonly spread?: number;
  readonly mean?: number;
  /** True for a gradient past the norm. Default false. */
  readonly residual?: boolean;
}

export interface NormSetting {
  readonly problem: Required<NormProblem>;
  readonly inputs: NormInputs<Tensor>;
  readonly forward: NormForward<Tensor>;
}

/** Random numbers for a sketch, the same each time. */
export function settingOf(sketch: NormSketch, seed: string): NormSetting {
  const { rows = [3], spread = 1, mean = 0, residual = false, ...given } = sketch;
  const { dtype = 'float32', kind, width } = given;
  const plain = { epsilon: kind === 'layer' ? 1e-5 : 1e-6, bias: false, gradient: false };
  const problem = { ...plain, ...given, dtype };
  const random = randomFrom(seed);
  const numbers = (shape: readonly number[], size = 1, middle = 0): Tensor => {
    const data = Array.from({ length: sizeOf(shape) }, () => middle + size * random.normal());
    return tensor(dtype === 'float64' ? Float64Array.from(data) : Float32Array.from(data), shape) as Tensor;
  };
  const shape = [...rows, width];
  return {
    problem,
    inputs: {
      input: numbers(shape, spread, mean),
      weight: numbers([width]),
      ...(problem.bias && { bias: numbers([width]) }),
    },
    forward: { dOutput: numbers(shape), ...(residual && { dResidual: numbers(shape) }) },
  };
}

/** A case of the clause, for backends that offer the operation. */
export function normCase(
  name: string,
  sketch: NormSketch,
  run: (subject: Subject & { readonly setting: NormSetting }, id: string) => Promise<void>,
): BehaviorCase {
  return {
    ...behavior('norm', name, [], (subject, id) => run({ ...subject, setting: settingOf(sketch, id) }, id)),
    operations: ['norm'],
    ...(sketch.dtype !== undefined && { dtype: sketch.dtype }),
  };
}

/** Compiles, works, and disposes. */
export async function withNorm<T>(
  backend: AttentionBackend,
  { problem }: Pick<NormSetting, 'problem'>,
  work: (kernel: NormKernel) => Promise<T>,
): Promise<T> {
  const kernel = await backend.norm!.compile(problem);
  try {
    return await work(kernel);
  } finally {
    await kernel.dispose();
  }
}

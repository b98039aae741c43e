import type { NormForward, NormInputs, NormProblem, Tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { randomFrom } from '../../../random.ts';
import { type OperationSetting, type OperationSubject, operationCase } from '../kernel.ts';
import { numbersOf } from '../numbers.ts';

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

export interface NormSetting extends OperationSetting {
  readonly problem: Required<NormProblem>;
  readonly inputs: OperationSetting['inputs'] & NormInputs<Tensor>;
  readonly forward: OperationSetting['forward'] & NormForward<Tensor>;
}

/** Random numbers for a sketch, the same each time. */
function settingOf(sketch: NormSketch, seed: string): NormSetting {
  const { rows = [3], spread = 1, mean = 0, residual = false, ...given } = sketch;
  const { dtype = 'float32', kind, width } = given;
  const plain = { epsilon: kind === 'layer' ? 1e-5 : 1e-6, bias: false, gradient: false };
  const problem = { ...plain, ...given, dtype };
  const random = randomFrom(seed);
  const numbers = (shape: readonly number[], size = 1, middle = 0): Tensor =>
    numbersOf(dtype, shape, () => middle + size * random.normal());
  const shape = [...rows, width];
  const inputs = {
    input: numbers(shape, spread, mean),
    weight: numbers([width]),
    ...(problem.bias && { bias: numbers([width]) }),
  };
  return {
    operation: 'norm',
    problem,
    inputs,
    saved: Object.keys(inputs),
    plain: [],
    forward: { dOutput: numbers(shape), ...(residual && { dResidual: numbers(shape) }) },
  };
}

/** A case of the clause, for backends that offer the operation. */
export function normCase(
  name: string,
  sketch: NormSketch,
  run: (subject: OperationSubject<NormSetting>) => Promise<void>,
): BehaviorCase {
  return operationCase(['norm', sketch.dtype], name, (seed) => settingOf(sketch, seed), run);
}

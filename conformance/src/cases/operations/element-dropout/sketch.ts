import type { ElementDropoutInputs, ElementDropoutProblem, Tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { randomFrom } from '../../../random.ts';
import { type OperationSetting, type OperationSubject, operationCase } from '../kernel.ts';
import { numbersOf } from '../numbers.ts';

/** Dropout and its inputs, in short. */
export interface ElementDropoutSketch extends ElementDropoutProblem {
  /** Default `[3, 7]`. */
  readonly shape?: readonly number[];
  /** Default 1. */
  readonly seed?: number;
  readonly stream?: number;
  /** True for a residual. Default false. */
  readonly residual?: boolean;
}

export interface ElementDropoutSetting extends OperationSetting {
  readonly problem: Required<ElementDropoutProblem>;
  readonly inputs: OperationSetting['inputs'] & {
    readonly input: Tensor;
    readonly seed: number;
    readonly residual?: Tensor;
  };
  readonly forward: { readonly dOutput: Tensor };
}

/** Random numbers for a sketch, none of them 0, the same each time. */
function settingOf(sketch: ElementDropoutSketch, from: string): ElementDropoutSetting {
  const {
    shape = [3, 7],
    seed = 1,
    stream,
    residual = false,
    probability,
    dtype = 'float32',
    gradient = false,
  } = sketch;
  const random = randomFrom(from);
  const numbers = (): Tensor => numbersOf(dtype, shape, () => random.normal() || 1);
  const source = { seed, ...(stream !== undefined && { stream }) };
  return {
    operation: 'elementDropout',
    problem: { probability, dtype, gradient },
    inputs: {
      input: numbers(),
      ...source,
      ...(residual && { residual: numbers() }),
    } satisfies ElementDropoutInputs<Tensor>,
    saved: Object.keys(source),
    plain: [],
    forward: { dOutput: numbers() },
  };
}

/** A case of the clause, for backends that offer the operation. */
export function elementDropoutCase(
  name: string,
  sketch: ElementDropoutSketch,
  run: (subject: OperationSubject<ElementDropoutSetting>) => Promise<void>,
): BehaviorCase {
  return operationCase(['elementDropout', sketch.dtype], name, (from) => settingOf(sketch, from), run);
}

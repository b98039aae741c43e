import { type EmbeddingInputs, type EmbeddingProblem, type Tensor, tensor } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { BehaviorCase } from '../../../case.ts';
import { randomFrom } from '../../../random.ts';
import { type OperationSetting, type OperationSubject, operationCase } from '../kernel.ts';
import { numbersOf } from '../numbers.ts';

/** An embedding and its inputs, in short. */
export interface EmbeddingSketch extends EmbeddingProblem {
  /** Shape of the indices. Default `[2, 5]`. */
  readonly places?: readonly number[];
  /** Number of rows that indices name, from the first. Default: all. */
  readonly used?: number;
  /** Share of the places that are padding. Default 0. */
  readonly padding?: number;
  /** Mean of the gradients. Default 0. */
  readonly mean?: number;
}

type Indices = Tensor<'int32'>;

export interface EmbeddingSetting extends OperationSetting {
  readonly problem: Required<EmbeddingProblem>;
  readonly inputs: OperationSetting['inputs'] & EmbeddingInputs<Tensor, Indices>;
  readonly forward: { readonly dOutput: Tensor };
}

/** Random numbers for a sketch, the same each time. */
function settingOf(sketch: EmbeddingSketch, seed: string): EmbeddingSetting {
  const { places = [2, 5], used = sketch.count, padding = 0, mean = 0, ...given } = sketch;
  const { count, width, dtype = 'float32', gradient = false } = given;
  const random = randomFrom(seed);
  const numbers = (shape: readonly number[], middle = 0): Tensor =>
    numbersOf(dtype, shape, () => middle + random.normal());
  const index = (): number => (random.uniform() < padding ? -1 : random.below(used));
  return {
    operation: 'embedding',
    problem: { count, width, dtype, gradient },
    inputs: {
      indices: tensor(Int32Array.from({ length: sizeOf(places) }, index), places),
      weight: numbers([count, width]),
    },
    saved: ['indices'],
    plain: ['indices'],
    forward: { dOutput: numbers([...places, width], mean) },
  };
}

/** A case of the clause, for backends that offer the operation. */
export function embeddingCase(
  name: string,
  sketch: EmbeddingSketch,
  run: (subject: OperationSubject<EmbeddingSetting>) => Promise<void>,
): BehaviorCase {
  return operationCase(['embedding', sketch.dtype], name, (seed) => settingOf(sketch, seed), run);
}

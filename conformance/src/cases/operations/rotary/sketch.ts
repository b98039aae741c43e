import { type RotaryInputs, type RotaryProblem, type Tensor, tensor } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import { rotaryTable } from '@heed/core/operations';
import type { BehaviorCase } from '../../../case.ts';
import { randomFrom } from '../../../random.ts';
import { type OperationSetting, type OperationSubject, operationCase } from '../kernel.ts';
import { numbersOf } from '../numbers.ts';

/** A rotary embedding and its inputs, in short. */
export interface RotarySketch extends RotaryProblem {
  /** B, L and H. Default `[2, 3, 2]`. */
  readonly heads?: readonly [batch: number, length: number, heads: number];
  /** True for positions of each batch element. Default false. */
  readonly perBatch?: boolean;
  /** The largest position. Default 40. */
  readonly last?: number;
  /** Factor of the rotated numbers. Default 1. */
  readonly factor?: number;
}

export interface RotarySetting extends OperationSetting {
  readonly problem: Required<RotaryProblem>;
  readonly inputs: OperationSetting['inputs'] & RotaryInputs<Tensor>;
  readonly forward: { readonly dOutput: Tensor };
}

/** Random numbers for a sketch, the same each time. */
function settingOf(sketch: RotarySketch, seed: string): RotarySetting {
  const {
    heads: [batch, length, heads] = [2, 3, 2],
    perBatch = false,
    last = 40,
    factor = 1,
    ...given
  } = sketch;
  const { headDim, rotaryDim = headDim, interleaved = false, dtype = 'float32', gradient = false } = given;
  const problem = { headDim, rotaryDim, interleaved, dtype, gradient };
  const random = randomFrom(seed);
  const shape = [batch, length, heads, headDim];
  const numbers = (): Tensor => numbersOf(dtype, shape, () => random.normal());
  const places = perBatch ? [batch, length] : [length];
  const positions = tensor(
    Int32Array.from({ length: sizeOf(places) }, () => random.below(last + 1)),
    places,
  );
  const frequencies = Array.from({ length: rotaryDim / 2 }, (_, n) => 1000 ** ((-2 * n) / rotaryDim));
  return {
    operation: 'rotary',
    problem,
    inputs: { input: numbers(), ...rotaryTable({ positions, frequencies, factor, dtype }) },
    saved: ['cosines', 'sines'],
    plain: [],
    forward: { dOutput: numbers() },
  };
}

/** A case of the clause, for backends that offer the operation. */
export function rotaryCase(
  name: string,
  sketch: RotarySketch,
  run: (subject: OperationSubject<RotarySetting>) => Promise<void>,
): BehaviorCase {
  return operationCase(['rotary', sketch.dtype], name, (seed) => settingOf(sketch, seed), run);
}

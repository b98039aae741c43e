import type { AttentionProblem, Tensor } from '@heed/core';
import { contiguousCache, widened } from '@heed/core/backend';
import { referenceForward, referenceGradient } from '@heed/core/reference';
import { arithmeticsOf } from './arithmetic.ts';
import { type Excluded, attendedPairs, excludedGradients, excludedOutputs } from './excluded.ts';
import { naiveForward } from './naive-forward.ts';
import { naiveGradient } from './naive-gradient.ts';
import type { PlainInputs } from './naive-scores.ts';
import { once } from './once.ts';

/** Tensors by the names of comparisons: `output`, `rowMax`, `dQuery`. */
export type Values = Readonly<Record<string, Tensor>>;

/** Values that tensors are compared with. */
export interface Yardstick {
  /** In float64. */
  readonly reference: Values;
  /**
   * The naive computation in the problem's precision, in each of its ways. Most results are so near to the reference
   * that no way, or one, shows it: a way is computed when it is first asked for.
   */
  readonly naive: readonly (() => Values)[];
  readonly excluded: Excluded;
}

/** Everything that results are compared with, for one problem and its inputs. */
export interface Expectation {
  readonly problem: AttentionProblem;
  /** Inputs as plain numbers, with contiguous keys and values. */
  readonly inputs: PlainInputs;
  readonly forward: Yardstick;
  /** Present when a gradient of the output was given. */
  readonly gradient?: Yardstick;
}

/** Computes the reference, and prepares the yardstick. */
export function expectationOf(
  problem: AttentionProblem,
  given: PlainInputs,
  dOutputGiven?: Tensor,
): Expectation {
  const inputs = contiguousCache(problem, widened(given));
  const dOutput = dOutputGiven && { ...dOutputGiven, ...widened({ dOutput: dOutputGiven }).dOutput };
  const { statistics, ...outputs } = referenceForward(problem, given);
  const attended = attendedPairs(problem, inputs);
  const ways = arithmeticsOf(problem);
  const forward = {
    reference: { ...outputs, ...statistics },
    naive: ways.map((way) => once(() => ({ ...naiveForward(problem, inputs, way) }))),
    excluded: excludedOutputs(problem, inputs, attended),
  };
  if (dOutput === undefined) return { problem, inputs, forward };

  const gradient = {
    reference: referenceGradient(problem, given, dOutput) as unknown as Values,
    naive: ways.map((way) => once(() => naiveGradient(problem, inputs, dOutput, way))),
    excluded: excludedGradients(problem, inputs, attended),
  };
  return { problem, inputs, forward, gradient };
}

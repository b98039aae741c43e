import type { AttentionProblem, Tensor } from '@heed/core';
import { referenceForward, referenceGradient } from '@heed/core/reference';
import { type Excluded, excludedGradients, excludedOutputs } from './excluded.ts';
import { naiveForward } from './naive-forward.ts';
import { naiveGradient } from './naive-gradient.ts';
import type { PlainInputs, Round } from './naive-scores.ts';

/** Tensors by the names of comparisons: `output`, `rowMax`, `dQuery`. */
export type Values = Readonly<Record<string, Tensor>>;

/** What tensors are compared with. */
export interface Yardstick {
  /** In float64. */
  readonly reference: Values;
  /** The naive computation in the problem's precision. */
  readonly naive: Values;
  readonly excluded: Excluded;
}

/** Everything that results are compared with, for one problem and its inputs. */
export interface Expectation {
  readonly problem: AttentionProblem;
  readonly inputs: PlainInputs;
  readonly forward: Yardstick;
  /** Present when a gradient of the output was given. */
  readonly gradient?: Yardstick;
}

/** Computes the reference and the yardstick. This is the costly part of the suite. */
export function expectationOf(problem: AttentionProblem, inputs: PlainInputs, dOutput?: Tensor): Expectation {
  const { statistics, ...outputs } = referenceForward(problem, inputs);
  const { attended, ...naive } = naiveForward(problem, inputs, roundingOf(problem));
  const reference: Values = { ...outputs, ...statistics };
  const forward = {
    reference,
    // In float64 the reference is the naive computation, and its error 0.
    naive: problem.dtype === 'float64' ? reference : naive,
    excluded: excludedOutputs(problem, attended, naive.rowSum),
  };
  if (dOutput === undefined) return { problem, inputs, forward };

  const gradients = referenceGradient(problem, inputs, dOutput) as unknown as Values;
  const gradient = {
    reference: gradients,
    naive:
      problem.dtype === 'float64' ? gradients : naiveGradient(problem, inputs, dOutput, roundingOf(problem)),
    excluded: excludedGradients(problem, inputs, attended),
  };
  return { problem, inputs, forward, gradient };
}

export function roundingOf({ dtype }: AttentionProblem): Round {
  return dtype === 'float32' ? Math.fround : (number) => number;
}

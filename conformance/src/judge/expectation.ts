import type { AttentionProblem, Tensor } from '@heed/core';
import { referenceForward, referenceGradient } from '@heed/core/reference';
import { arithmeticsOf } from './arithmetic.ts';
import { type Excluded, excludedGradients, excludedOutputs } from './excluded.ts';
import { type NaiveForward, naiveForward } from './naive-forward.ts';
import { naiveGradient } from './naive-gradient.ts';
import type { PlainInputs } from './naive-scores.ts';

/** Tensors by the names of comparisons: `output`, `rowMax`, `dQuery`. */
export type Values = Readonly<Record<string, Tensor>>;

/** What tensors are compared with. */
export interface Yardstick {
  /** In float64. */
  readonly reference: Values;
  /** The naive computation in the problem's precision: each of its equally naive ways. */
  readonly naive: readonly Values[];
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
  const naive = arithmeticsOf(problem).map((arithmetic) => naiveForward(problem, inputs, arithmetic));
  const [{ attended, rowSum }] = naive as [NaiveForward];
  const forward = {
    reference: { ...outputs, ...statistics },
    naive: naive.map(({ attended: _, ...values }) => values),
    excluded: excludedOutputs(problem, attended, rowSum),
  };
  if (dOutput === undefined) return { problem, inputs, forward };

  const gradient = {
    reference: referenceGradient(problem, inputs, dOutput) as unknown as Values,
    naive: arithmeticsOf(problem).map((arithmetic) => naiveGradient(problem, inputs, dOutput, arithmetic)),
    excluded: excludedGradients(problem, inputs, attended),
  };
  return { problem, inputs, forward, gradient };
}

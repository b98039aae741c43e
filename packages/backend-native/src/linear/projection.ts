import type { LinearProblem } from '@heed/core';
import type { Memory } from '../memory/memory.ts';
import { type Binding, LINEAR_WEIGHTS, type Team } from '../platform/binding.ts';

/** A projection on an engine, with the numbers that its steps have in common. */
export interface Projection {
  readonly binding: Binding;
  readonly memory: Memory;
  readonly team: Team;
  readonly problem: Required<LinearProblem>;
  readonly isDouble: boolean;
  readonly gated: 0 | 1;
  /** Rows of the weight: outputs, and those of the gate. */
  readonly weightRows: number;
  /** Number of the weight's type, as the binding counts them. */
  readonly weightType: number;
}

export function projectionOf(
  binding: Binding,
  memory: Memory,
  team: Team,
  problem: Required<LinearProblem>,
): Projection {
  return {
    binding,
    memory,
    team,
    problem,
    isDouble: problem.dtype === 'float64',
    gated: problem.gate ? 1 : 0,
    weightRows: problem.gate ? 2 * problem.outputDim : problem.outputDim,
    weightType: Math.max(0, (LINEAR_WEIGHTS as readonly unknown[]).indexOf(problem.weightType)),
  };
}

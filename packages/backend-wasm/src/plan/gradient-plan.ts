import type { AttentionProblem } from '@heed/core';
import { forwardPlan } from './forward-plan.ts';
import type { Plan, PlanOptions } from './plan.ts';

export function gradientPlan(problem: AttentionProblem, options: PlanOptions): Plan {
  return forwardPlan(problem, options);
}

export { forwardPlan } from './forward-plan.ts';
export { gradientPlan } from './gradient-plan.ts';
export type { Addresses, KernelModule, Phase, Plan, PlanOptions, TensorName } from './plan.ts';

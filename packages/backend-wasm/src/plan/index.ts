export { forwardPlan } from './forward-plan.ts';
export { gradientPlan } from './gradient-plan.ts';

/** What authors of backends need. Users of attention do not. */
export { checkGradientInputs, checkInputs } from '../check-inputs.ts';
export { checkProblem } from '../check-problem.ts';
export { featuresOf, supportOf } from '../features.ts';
export { zeros } from '../tensor.ts';
export { type BackendDefinition, type KernelDefinition, defineBackend } from './define.ts';
export { gumbelNoise, philox4x32 } from './gumbel.ts';
export { checkWrite } from './host-resident.ts';
export { type RowStrides, broadcastStrides, rowStrides } from './strides.ts';
export { type VisibleKeys, visibleKeys } from './visible-keys.ts';

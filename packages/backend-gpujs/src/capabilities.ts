import { type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

/**
 * Every mode has the same. Not declared: float64 and sampling, whose noise needs integers of 32 bits, because gpu.js
 * computes in float32; and gradients.
 */
export const CAPABILITIES: Capabilities = {
  dtypes: ['float32'],
  features: FEATURES.filter((feature) => feature !== 'selection.sample' && feature !== 'gradient'),
  guarantees: GUARANTEES,
};

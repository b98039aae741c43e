import { type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

/** The same in all modes. gpu.js computes in float32: no float64 and no sampling, whose noise needs 32-bit integers. */
export const CAPABILITIES: Capabilities = {
  dtypes: ['float32'],
  features: FEATURES.filter((feature) => feature !== 'selection.sample'),
  guarantees: GUARANTEES,
};

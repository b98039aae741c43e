import { CACHE_FEATURES, type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

/** The same in all modes. gpu.js computes in float32: no float64 and no sampling, whose noise needs 32-bit integers. */
export const CAPABILITIES: Capabilities = {
  dtypes: ['float32'],
  features: FEATURES.filter((feature) => feature !== 'selection.sample' && !CACHE_FEATURES.includes(feature)),
  guarantees: GUARANTEES,
};

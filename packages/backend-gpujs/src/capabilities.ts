import { CACHE_FEATURES, type Capabilities, FEATURES, type Feature, GUARANTEES } from '@heed/core';

/** Features that need noise of 32-bit integers, which gpu.js does not have. */
const NOISE: readonly Feature[] = ['selection.sample', 'dropout'];

/** The same in all modes. gpu.js computes in float32. */
export const CAPABILITIES: Capabilities = {
  dtypes: ['float32'],
  features: FEATURES.filter((feature) => !NOISE.includes(feature) && !CACHE_FEATURES.includes(feature)),
  guarantees: GUARANTEES,
  partGradients: true,
};

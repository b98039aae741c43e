import { type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

/** Every capability of the contract but dropout. */
export const CAPABILITIES: Capabilities = {
  dtypes: ['float32', 'float64', 'float16', 'bfloat16'],
  features: FEATURES.filter((feature) => feature !== 'dropout'),
  guarantees: GUARANTEES,
};

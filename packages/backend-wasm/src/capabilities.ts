import { type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

/** Every capability of the contract. */
export const CAPABILITIES: Capabilities = {
  dtypes: ['float32', 'float64', 'float16', 'bfloat16'],
  features: FEATURES,
  guarantees: GUARANTEES,
  partGradients: true,
};

import { type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

/** Every feature of the specification. */
export const capabilities: Capabilities = {
  dtypes: ['float32', 'float64', 'float16', 'bfloat16'],
  features: FEATURES,
  guarantees: GUARANTEES,
  partGradients: true,
};

import { type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

/** Everything that the specification has. */
export const capabilities: Capabilities = {
  dtypes: ['float32', 'float64'],
  features: FEATURES,
  guarantees: GUARANTEES,
};

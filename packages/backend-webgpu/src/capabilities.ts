import { type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

export const CAPABILITIES: Capabilities = {
  dtypes: ['float32', 'float16', 'bfloat16'],
  features: FEATURES,
  guarantees: GUARANTEES,
  partGradients: true,
};

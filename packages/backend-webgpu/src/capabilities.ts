import { type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

export const CAPABILITIES: Capabilities = {
  dtypes: ['float32'],
  features: FEATURES,
  guarantees: GUARANTEES,
};

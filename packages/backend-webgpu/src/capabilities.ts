import { CACHE_FEATURES, type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

export const CAPABILITIES: Capabilities = {
  dtypes: ['float32'],
  features: FEATURES.filter((feature) => feature !== 'dropout' && !CACHE_FEATURES.includes(feature)),
  guarantees: GUARANTEES,
};

import { CACHE_FEATURES, type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

/** Every capability but caches of another type or form. */
export const CAPABILITIES: Capabilities = {
  dtypes: ['float32', 'float64', 'float16', 'bfloat16'],
  features: FEATURES.filter((feature) => !CACHE_FEATURES.includes(feature)),
  guarantees: GUARANTEES,
};

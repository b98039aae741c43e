import { CACHE_FEATURES, type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

/** Every feature of the specification but those of caches. */
export const capabilities: Capabilities = {
  dtypes: ['float32', 'float64', 'float16', 'bfloat16'],
  features: FEATURES.filter((feature) => !CACHE_FEATURES.includes(feature)),
  guarantees: GUARANTEES,
};

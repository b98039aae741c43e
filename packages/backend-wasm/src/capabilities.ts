import { CACHE_FEATURES, type Capabilities, FEATURES, type Feature, GUARANTEES } from '@heed/core';

/** Features of caches that are there. */
const CACHES: readonly Feature[] = [
  'cache.float16',
  'cache.bfloat16',
  'cache.shared',
  'cache.int8',
  'cache.int4x2',
  'pages',
];

/** Every capability but some forms of caches. */
export const CAPABILITIES: Capabilities = {
  dtypes: ['float32', 'float64', 'float16', 'bfloat16'],
  features: FEATURES.filter((feature) => !CACHE_FEATURES.includes(feature) || CACHES.includes(feature)),
  guarantees: GUARANTEES,
};

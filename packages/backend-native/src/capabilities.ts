import { CACHE_FEATURES, type Capabilities, FEATURES, type Feature, GUARANTEES } from '@heed/core';

/** Ways to store keys and values that the kernels read. */
const CACHES: readonly Feature[] = [
  'cache.float16',
  'cache.bfloat16',
  'cache.shared',
  'cache.int8',
  'cache.int4x2',
  'pages',
];

/** Every feature of the specification, but not every way to store keys and values. */
export const capabilities: Capabilities = {
  dtypes: ['float32', 'float64', 'float16', 'bfloat16'],
  features: FEATURES.filter((feature) => !CACHE_FEATURES.includes(feature) || CACHES.includes(feature)),
  guarantees: GUARANTEES,
};

import { CACHE_FEATURES, type Capabilities, FEATURES, type Feature } from '@heed/core';

/** Features of caches that need nothing of TensorFlow: products broadcast the batch, and noise is made in JavaScript. */
const CACHES: readonly Feature[] = ['cache.shared', 'origin'];

export const CAPABILITIES: Capabilities = {
  dtypes: ['float32'],
  features: FEATURES.filter(
    (feature) => feature !== 'dropout' && (CACHES.includes(feature) || !CACHE_FEATURES.includes(feature)),
  ),
  // Not `batch`: TensorFlow multiplies matrices in blocks that depend on how many there are. Not `repeat`: without
  // oneDNN, which not every processor gets, it splits sums by the number of threads.
  guarantees: ['padding', 'nonfinite'],
  partGradients: true,
};

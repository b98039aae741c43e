import { CACHE_FEATURES, type Capabilities, FEATURES } from '@heed/core';

export const CAPABILITIES: Capabilities = {
  dtypes: ['float32'],
  features: FEATURES.filter((feature) => feature !== 'dropout' && !CACHE_FEATURES.includes(feature)),
  // Not `batch`: TensorFlow multiplies matrices in blocks that depend on how many there are. Not `repeat`: without
  // oneDNN, which not every processor gets, it splits sums by the number of threads.
  guarantees: ['padding', 'nonfinite'],
};

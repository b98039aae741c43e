import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import type { Peer } from '../peer.ts';
import { pythonPeer } from '../python/python-peer.ts';

/** Keras's `MultiHeadAttention`, and `GroupQueryAttention` for fewer key/value heads, through identity projections. */
const peer: Peer = pythonPeer({
  name: 'keras-multihead',
  module: 'keras_multihead',
  library: 'Keras',
  operation: 'keras.layers.MultiHeadAttention',
  documentation: 'https://keras.io/api/layers/attention_layers/multi_head_attention/',
  capabilities: {
    dtypes: ['float16', 'bfloat16', 'float32', 'float64'],
    features: ['valueDim', 'gqa', 'mask.boolean', 'causal', 'weights'],
    guarantees: [],
  },
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

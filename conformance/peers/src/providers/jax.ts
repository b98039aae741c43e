import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import type { Peer } from '../peer.ts';
import { pythonPeer } from '../python/python-peer.ts';

/** JAX's `jax.nn.dot_product_attention` on the CPU. */
const peer: Peer = pythonPeer({
  name: 'jax',
  module: 'jax_attention',
  library: 'JAX',
  operation: 'jax.nn.dot_product_attention',
  documentation: 'https://docs.jax.dev/en/latest/_autosummary/jax.nn.dot_product_attention.html',
  capabilities: {
    dtypes: ['float16', 'bfloat16', 'float32', 'float64'],
    features: [
      'layout.blhd',
      'gqa',
      'mask.boolean',
      'mask.float',
      'causal',
      'window',
      'lengths.key',
      'lengths.query',
      'logSumExp',
    ],
    guarantees: [],
  },
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

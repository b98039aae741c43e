import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import type { Peer } from '../peer.ts';
import { pythonPeer } from '../python/python-peer.ts';

/** PyTorch's `scaled_dot_product_attention` on the CPU. */
const peer: Peer = pythonPeer({
  name: 'torch-sdpa',
  module: 'torch_sdpa',
  library: 'PyTorch',
  operation: 'torch.nn.functional.scaled_dot_product_attention',
  documentation:
    'https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html',
  capabilities: {
    dtypes: ['float16', 'bfloat16', 'float32', 'float64'],
    features: ['valueDim', 'gqa', 'mask.boolean', 'mask.float', 'alignment.bottomRight', 'causal'],
    guarantees: [],
  },
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

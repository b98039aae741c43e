import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import type { Peer } from '../peer.ts';
import { pythonPeer } from '../python/python-peer.ts';

/** PyTorch's `nn.MultiheadAttention` on the CPU, through identity projections. */
const peer: Peer = pythonPeer({
  name: 'torch-multihead',
  module: 'torch_multihead',
  library: 'PyTorch',
  operation: 'torch.nn.MultiheadAttention',
  documentation: 'https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html',
  capabilities: {
    dtypes: ['float16', 'bfloat16', 'float32', 'float64'],
    features: ['mask.boolean', 'mask.float', 'causal', 'lengths.key', 'weights'],
    guarantees: [],
  },
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

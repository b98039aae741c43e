import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import type { Peer } from '../peer.ts';
import { FLEX_FEATURES } from '../python/flex-features.ts';
import { pythonPeer } from '../python/python-peer.ts';

/** PyTorch's `flex_attention`, compiled for the CPU by torch.compile and a C++ compiler: a sample of the suite. */
const peer: Peer = pythonPeer({
  name: 'torch-flex-compiled',
  module: 'torch_flex_compiled',
  library: 'PyTorch',
  operation: 'torch.nn.attention.flex_attention.flex_attention, compiled',
  documentation: 'https://docs.pytorch.org/docs/stable/nn.attention.flex_attention.html',
  capabilities: {
    dtypes: ['float16', 'bfloat16', 'float32'],
    features: FLEX_FEATURES,
    guarantees: [],
  },
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

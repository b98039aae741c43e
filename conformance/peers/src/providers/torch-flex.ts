import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import type { Peer } from '../peer.ts';
import { FLEX_FEATURES } from '../python/flex-features.ts';
import { pythonPeer } from '../python/python-peer.ts';

/** PyTorch's `flex_attention` on the CPU, not compiled: what is not a plain product is a `mask_mod` or a `score_mod`. */
const peer: Peer = pythonPeer({
  name: 'torch-flex',
  module: 'torch_flex',
  library: 'PyTorch',
  operation: 'torch.nn.attention.flex_attention.flex_attention',
  documentation: 'https://docs.pytorch.org/docs/stable/nn.attention.flex_attention.html',
  capabilities: {
    dtypes: ['float16', 'bfloat16', 'float32', 'float64'],
    features: [...FLEX_FEATURES, 'logSumExp'],
    guarantees: [],
  },
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

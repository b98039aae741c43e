import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import { attentionOfOpset, withoutBfloat16 } from '../onnx/features.ts';
import type { Peer } from '../peer.ts';
import { pythonPeer } from '../python/python-peer.ts';

/** ONNX Runtime's CPU provider, called from Python. */
const peer: Peer = pythonPeer({
  name: 'onnxruntime',
  module: 'onnxruntime_attention',
  library: 'ONNX Runtime',
  operation: 'Attention (opsets 23, 24, 25)',
  documentation: 'https://onnx.ai/onnx/operators/onnx__Attention.html',
  capabilities: withoutBfloat16(attentionOfOpset(25)),
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

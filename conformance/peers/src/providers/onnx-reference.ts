import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import { attentionOfOpset } from '../onnx/features.ts';
import type { Peer } from '../peer.ts';
import { pythonPeer } from '../python/python-peer.ts';

/** The reference evaluator of the ONNX standard. */
const peer: Peer = pythonPeer({
  name: 'onnx-reference',
  module: 'onnx_reference',
  library: 'ONNX reference evaluator',
  operation: 'Attention (opset 25)',
  documentation: 'https://onnx.ai/onnx/operators/onnx__Attention.html',
  capabilities: attentionOfOpset(25),
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import { attentionOfOpset, beforeBottomRight } from '../onnx/features.ts';
import type { Peer } from '../peer.ts';
import { pythonPeer } from '../python/python-peer.ts';

/** The reference evaluator of the ONNX standard. */
const peer: Peer = pythonPeer({
  name: 'onnx-reference-previous',
  environment: 'previous',
  module: 'onnx_reference',
  library: 'ONNX reference evaluator',
  operation: 'Attention (opset 24)',
  documentation: 'https://onnx.ai/onnx/operators/onnx__Attention.html',
  capabilities: beforeBottomRight(attentionOfOpset(24)),
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

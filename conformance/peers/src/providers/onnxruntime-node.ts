import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import { attentionOfOpset, withoutBfloat16 } from '../onnx/features.ts';
import { attentionTask } from '../onnx/attention.ts';
import { loadOnnxruntimeNode } from '../onnx/load.ts';
import { importable, openRuntime } from '../onnx/runtime.ts';
import { type Peer, definePeer } from '../peer.ts';

/** The standard's `Attention` on ONNX Runtime's CPU provider in Node. */
const peer: Peer = definePeer({
  name: 'onnxruntime-node',
  library: 'onnxruntime-node',
  operation: 'Attention (opsets 23, 24)',
  documentation: 'https://onnx.ai/onnx/operators/onnx__Attention.html',
  capabilities: withoutBfloat16(attentionOfOpset(24)),
  probe: () => importable('onnxruntime-node', loadOnnxruntimeNode),
  async open() {
    const { version, runtime } = await loadOnnxruntimeNode();
    return openRuntime(version, runtime, 'cpu', attentionTask);
  },
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import { loadOnnxruntimeNode } from '../onnx/load.ts';
import { multiHeadTask } from '../onnx/multi-head.ts';
import { importable, openRuntime } from '../onnx/runtime.ts';
import { type Peer, definePeer } from '../peer.ts';

/** ONNX Runtime's own operator `MultiHeadAttention`, in Node. */
const peer: Peer = definePeer({
  name: 'onnxruntime-multihead',
  library: 'onnxruntime-node',
  operation: 'com.microsoft.MultiHeadAttention',
  documentation:
    'https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MultiHeadAttention',
  capabilities: {
    dtypes: ['float32'],
    features: ['valueDim', 'mask.float', 'causal', 'lengths.key'],
    guarantees: [],
  },
  probe: () => importable('onnxruntime-node', loadOnnxruntimeNode),
  async open() {
    const { version, runtime } = await loadOnnxruntimeNode();
    return openRuntime(version, runtime, 'cpu', multiHeadTask);
  },
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import { attentionOfOpset, withoutBfloat16 } from '../onnx/features.ts';
import { attentionTask } from '../onnx/attention.ts';
import { loadOnnxruntimeWeb } from '../onnx/load.ts';
import { importable, openRuntime } from '../onnx/runtime.ts';
import { type Peer, definePeer } from '../peer.ts';

/** The standard's `Attention` on ONNX Runtime's WebAssembly provider. */
const peer: Peer = definePeer({
  name: 'onnxruntime-web',
  library: 'onnxruntime-web',
  operation: 'Attention (opsets 23, 24), WebAssembly',
  documentation: 'https://onnx.ai/onnx/operators/onnx__Attention.html',
  capabilities: withoutBfloat16(attentionOfOpset(24)),
  probe: () => importable('onnxruntime-web', loadOnnxruntimeWeb),
  async open() {
    const { version, runtime } = await loadOnnxruntimeWeb();
    return openRuntime(version, runtime, 'wasm', attentionTask);
  },
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import { LlamaCppProcess } from '../llama-cpp/llama-cpp-process.ts';
import { isProvisioned } from '../llama-cpp/place.ts';
import { type Peer, definePeer } from '../peer.ts';

/** Flash attention of ggml, the library of llama.cpp, on the CPU; every exclusion is a mask. */
const peer: Peer = definePeer({
  name: 'llama-cpp',
  library: 'llama.cpp (ggml)',
  operation: 'ggml_flash_attn_ext',
  documentation: 'https://github.com/ggml-org/llama.cpp/blob/master/ggml/include/ggml.h',
  capabilities: {
    dtypes: ['float16', 'bfloat16', 'float32'],
    features: ['layout.blhd', 'valueDim', 'gqa', 'mask.boolean', 'mask.float', 'softcap', 'sinks'],
    guarantees: [],
  },
  probe: async () =>
    isProvisioned()
      ? { available: true }
      : {
          available: false,
          reason: 'its program is not built',
          remedy: 'pnpm --filter @heed/peers provision llama-cpp',
        },
  async open() {
    const program = new LlamaCppProcess();
    return {
      version: await program.version(),
      attend: async (problem, inputs) => ({ output: await program.attend(problem, inputs) }),
      close: () => program.close(),
    };
  },
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

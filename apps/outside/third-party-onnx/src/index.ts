import { type Availability, type BackendProvider, CONTRACT_VERSION, HeedError } from '@heed/core';
import { checkOptions, defineBackend } from '@heed/core/backend';
import type * as Ort from 'onnxruntime-web';
import { compile } from './kernel.ts';

const NAME = 'onnxruntime-web';

/** Loaded when it is first needed: importing this package has no effect. */
async function load(): Promise<typeof Ort> {
  const ort = await import('onnxruntime-web');
  // More threads require a page that is isolated from others, and are not faster for one call.
  ort.env.wasm.numThreads = 1;
  return ort;
}

async function probe(): Promise<Availability> {
  try {
    await load();
    return { available: true };
  } catch (error) {
    return {
      available: false,
      reason: `onnxruntime-web cannot be loaded: ${String(error)}`,
      remedy: 'npm install onnxruntime-web',
    };
  }
}

/** Attention on ONNX Runtime's WebAssembly: its operator `Attention`, opset 23. */
const provider: BackendProvider<void> = {
  contract: CONTRACT_VERSION,
  name: NAME,
  probe,
  async create(options: unknown = {}) {
    checkOptions(`${NAME}.create()`, options, {});
    const availability = await probe();
    if (!availability.available) {
      throw new HeedError('UNAVAILABLE', availability.reason, { remedy: availability.remedy });
    }
    const ort = await load();
    return defineBackend({
      name: NAME,
      device: `WebAssembly SIMD, one thread (ONNX Runtime ${ort.env.versions.web})`,
      capabilities: {
        dtypes: ['float32'],
        features: ['valueDim', 'gqa', 'mask.boolean', 'mask.float', 'causal', 'softcap', 'weights'],
        guarantees: ['repeat', 'batch'],
      },
      compile: (problem) => compile(ort, problem),
    });
  },
};
export default provider;

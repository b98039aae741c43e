import {
  type AttentionBackend,
  type Availability,
  type BackendProvider,
  CONTRACT_VERSION,
  HeedError,
} from '@heed/core';
import { createBackend } from './backend.ts';
import { startEngine } from './engine/engine.ts';
import { hasSimd } from './engine/features.ts';
import { type WasmOptions, checkOptions } from './options.ts';

/** `@heed/backend-wasm`. */
export const provider: BackendProvider<WasmOptions> = {
  contract: CONTRACT_VERSION,
  name: 'wasm',
  probe: async () => availability(),
  async create(options: WasmOptions = {}): Promise<AttentionBackend> {
    checkOptions(options);
    const here = availability();
    if (!here.available) {
      throw new HeedError('UNAVAILABLE', `wasm: ${here.reason}`, { remedy: here.remedy });
    }
    return createBackend(await startEngine(options));
  },
};

function availability(): Availability {
  if (hasSimd()) return { available: true };
  return {
    available: false,
    reason: 'the engine has no WebAssembly with SIMD',
    remedy: 'use Node 20 or newer, or a browser from 2023 on; or @heed/backend-ts, which needs neither',
  };
}

import {
  type AttentionBackend,
  type Availability,
  type BackendProvider,
  CONTRACT_VERSION,
  HeedError,
} from '@heed/core';
import { createBackend } from './backend.ts';
import { startEngine } from './platform/engine.ts';
import { hasSimd, refusal } from './platform/features.ts';
import { ADDRESS_SPACE_REMEDY, hasAddressSpace } from './memory/heap.ts';
import { type WasmOptions, checkWasmOptions } from './options.ts';

/** `@heed/backend-wasm`. */
export const provider: BackendProvider<WasmOptions> = {
  contract: CONTRACT_VERSION,
  name: 'wasm',
  probe: availability,
  async create(options: WasmOptions = {}): Promise<AttentionBackend> {
    checkWasmOptions(options);
    const here = await availability();
    if (!here.available) {
      throw new HeedError('UNAVAILABLE', `wasm: ${here.reason}`, { remedy: here.remedy });
    }
    return createBackend(await startEngine(options));
  },
};

async function availability(): Promise<Availability> {
  if (!hasSimd()) {
    return {
      available: false,
      reason: 'the engine has no WebAssembly with SIMD',
      remedy: 'use Node 20 or newer, or a browser from 2023 on; or @heed/backend-ts, which needs neither',
    };
  }
  const refused = await refusal();
  if (refused !== null) {
    return {
      available: false,
      reason: `WebAssembly is not allowed here: ${refused}`,
      remedy: "add 'wasm-unsafe-eval' to script-src of the content security policy, or use @heed/backend-ts",
    };
  }
  if (hasAddressSpace()) return { available: true };
  return {
    available: false,
    reason: 'no address space for WebAssembly memory',
    remedy: ADDRESS_SPACE_REMEDY,
  };
}

import { type BackendProvider, HeedError, withOptions } from '@heed/core';
import wasm, { type WasmOptions } from '../index.ts';

/** Every way in which kernels run: with and without other threads, with and without relaxed SIMD. */
export const COMBINATIONS: readonly { readonly threads: number; readonly relaxedSimd: 'auto' | false }[] = [
  { threads: 1, relaxedSimd: 'auto' },
  { threads: 2, relaxedSimd: 'auto' },
  { threads: 1, relaxedSimd: false },
  { threads: 2, relaxedSimd: false },
];

export function nameOf({ threads, relaxedSimd }: WasmOptions): string {
  return `${threads} thread${threads === 1 ? '' : 's'}, ${relaxedSimd === false ? 'no ' : ''}relaxed SIMD`;
}

/** Returns the provider with these options, available if they are. */
export function providerOf(options: WasmOptions): BackendProvider<WasmOptions> {
  const provider = withOptions(wasm, options);
  return {
    ...provider,
    async probe() {
      try {
        await (await provider.create()).dispose();
        return { available: true };
      } catch (error) {
        if (!HeedError.isInstance(error)) throw error;
        return { available: false, reason: error.reason, remedy: error.remedy ?? 'none' };
      }
    },
  };
}

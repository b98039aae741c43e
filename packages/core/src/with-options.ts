import type { BackendProvider } from './contract.ts';

/**
 * The provider with options of its own: what takes a provider calls `create()` without any.
 *
 * @returns a provider whose `create()` takes these options; those that it is called with stand over them.
 *
 * @example
 * ```ts
 * import { firstAvailable, withOptions } from '@heed/core';
 * import ts from '@heed/backend-ts';
 * import wasm from '@heed/backend-wasm';
 *
 * const { backend } = await firstAvailable([withOptions(wasm, { threads: 1 }), ts]);
 * console.log(backend.device.endsWith('1 thread')); // true
 * ```
 */
export function withOptions<Options extends object>(
  provider: BackendProvider<Options>,
  options: Options,
): BackendProvider<Options> {
  return {
    contract: provider.contract,
    name: provider.name,
    probe: () => provider.probe(),
    create(others) {
      if (others === undefined) return provider.create(options);
      // What is not an object is the provider's to refuse.
      const isObject = typeof others === 'object' && others !== null && !Array.isArray(others);
      return provider.create(isObject ? { ...options, ...others } : others);
    },
  };
}

import type { BackendProvider } from './contract.ts';

/**
 * Returns a provider with preset options, for functions that take a provider and call `create()` without options.
 *
 * @returns a provider whose `create()` takes these options; options of the call override them.
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
      // The provider refuses a value that is not an object.
      const isObject = typeof others === 'object' && others !== null && !Array.isArray(others);
      return provider.create(isObject ? { ...options, ...others } : others);
    },
  };
}

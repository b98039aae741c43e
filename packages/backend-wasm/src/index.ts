import type { BackendProvider } from '@heed/core';
import type { WasmOptions } from './options.ts';
import { provider } from './provider.ts';

export type { WasmOptions };

/**
 * Attention in WebAssembly: generates and compiles a module for each kind of problem, with SIMD, relaxed SIMD if the
 * engine has it, and threads if memory can be shared. Its resident tensors live in WebAssembly memory.
 *
 * @throws HeedError from `create`: `UNAVAILABLE` when the engine has no SIMD, no room for its memory, or may not compile
 * (a content security policy), or when more than one thread is requested but not available; `UNKNOWN_OPTION` or
 * `ARGUMENT` for options that do not exist. From runs: `OUT_OF_MEMORY` beyond 4 GiB; `ENGINE` when a thread dies.
 *
 * @example
 * ```ts
 * import { attention, tensor } from '@heed/core';
 * import wasm from '@heed/backend-wasm';
 *
 * const backend = await wasm.create({ threads: 2 });
 * const x = tensor(new Float32Array([1, 0, 0, 1, 1, 1]), [1, 1, 3, 2]); // [B, H, L, D]
 * const { output } = await attention(backend, { query: x, key: x, value: x, causal: true });
 * console.log(backend.device.endsWith('SIMD, 2 threads'), output.shape.join()); // true 1,1,3,2
 * await backend.dispose();
 * ```
 */
const wasm: BackendProvider<WasmOptions> = provider;
export default wasm;

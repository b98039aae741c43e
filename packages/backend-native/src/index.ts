import type { BackendProvider } from '@heed/core';
import type { NativeOptions } from './options.ts';
import { provider } from './provider.ts';

export type { NativeOptions };

/**
 * Attention in C++ for Node: kernels for AVX-512, AVX2 and NEON, of which the best that the machine has is chosen at run
 * time; threads of its own, so that the event loop stays free; no copies of tensors.
 *
 * @throws HeedError from `create`: `UNAVAILABLE` when there is no native file for this platform, or the machine lacks the
 * requested level; `UNKNOWN_OPTION` or `ARGUMENT` for options that do not exist. From runs: `OUT_OF_MEMORY`.
 *
 * @example
 * ```ts
 * import { attention, tensor } from '@heed/core';
 * import native from '@heed/backend-native';
 *
 * const backend = await native.create({ threads: 2 });
 * const x = tensor(new Float32Array([1, 0, 0, 1, 1, 1]), [1, 1, 3, 2]); // [B, H, L, D]
 * const { output } = await attention(backend, { query: x, key: x, value: x, causal: true });
 * console.log(backend.device.endsWith(', 2 threads'), output.shape.join()); // true 1,1,3,2
 * await backend.dispose();
 * ```
 */
const native: BackendProvider<NativeOptions> = provider;
export default native;

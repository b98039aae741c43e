import type { BackendProvider } from '@heed/core';
import type { GpujsOptions } from './options.ts';
import { provider } from './provider.ts';

export type { Mode } from './platform/modes.ts';
export type { GpujsOptions };

/**
 * Attention on gpu.js (https://gpu.rocks): one source for every program, run by WebGPU, WebGL, WebAssembly or plain
 * JavaScript.
 *
 * @throws HeedError from `create`: `UNAVAILABLE` if gpu.js is not installed or the mode does not work here;
 * `UNKNOWN_OPTION` for an option that does not exist, `ARGUMENT` for a value that it does not take.
 *
 * @example
 * ```ts
 * import { attention, tensor } from '@heed/core';
 * import gpujs from '@heed/backend-gpujs';
 *
 * const backend = await gpujs.create({ mode: 'webasm', threads: 2 });
 * const x = tensor(new Float32Array([1, 0, 0, 1, 1, 1]), [1, 1, 3, 2]); // [B, H, L, D]
 * const { output } = await attention(backend, { query: x, key: x, value: x, causal: true });
 * console.log(backend.device.startsWith('gpu.js webasm'), output.shape.join()); // true 1,1,3,2
 * await backend.dispose();
 * ```
 */
const gpujs: BackendProvider<GpujsOptions> = provider;
export default gpujs;

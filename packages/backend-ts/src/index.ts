import type { BackendProvider } from '@heed/core';
import { provider } from './provider.ts';

/**
 * Attention in pure TypeScript: every feature and every guarantee, in float32, float64, float16 and bfloat16, wherever
 * JavaScript runs. It takes no options.
 *
 * @throws HeedError from `create`: `UNKNOWN_OPTION` for any option. From runs: `OUT_OF_MEMORY`.
 *
 * @example
 * ```ts
 * import { attention, tensor } from '@heed/core';
 * import ts from '@heed/backend-ts';
 *
 * const backend = await ts.create();
 * const x = tensor(new Float32Array([1, 0, 0, 1, 1, 1]), [1, 1, 3, 2]); // [B, H, L, D]
 * const { output } = await attention(backend, { query: x, key: x, value: x, causal: true });
 * console.log(output.data.subarray(0, 2).join()); // 1,0
 * ```
 */
const ts: BackendProvider<void> = provider;
export default ts;

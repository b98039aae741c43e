import { type TfjsNodeProvider, tfjsNodeProvider } from './provider.ts';

export type { TfjsNodeBackend } from './backend.ts';
export type { TfjsNodeProvider };

/**
 * Attention on TensorFlow's native runtime, through `@tensorflow/tfjs-node`, which the provider loads when it is first
 * probed or creates a backend.
 *
 * @example
 * ```ts
 * import { attention, tensor } from '@heed/core';
 * import tfjsNode from '@heed/backend-tfjs-node';
 *
 * const backend = await tfjsNode.create();
 * const x = tensor(new Float32Array([1, 0, 0, 1, 1, 1]), [1, 1, 3, 2]); // [B, H, L, D]
 * const { output } = await attention(backend, { query: x, key: x, value: x, causal: true });
 * console.log(output.data.subarray(0, 2).join()); // 1,0
 * ```
 */
const tfjsNode: TfjsNodeProvider = tfjsNodeProvider();
export default tfjsNode;

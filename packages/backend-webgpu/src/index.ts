import type { BackendProvider } from '@heed/core';
import type { GpuBufferTensor } from './memory/wrap.ts';
import type { WebgpuOptions } from './options.ts';
import { provider } from './provider.ts';

export type { GpuBufferTensor, WebgpuOptions };

/**
 * Attention on WebGPU: writes and compiles WGSL for each kind of problem. In pages and workers it runs on
 * `navigator.gpu`, in Node on Dawn, from the package `webgpu`. Its resident tensors are buffers of the device.
 *
 * @throws HeedError from `create`: `UNAVAILABLE` without WebGPU or an adapter, and for a `device` that was lost;
 * `UNKNOWN_OPTION` or `ARGUMENT` for wrong options. From runs: `OUT_OF_MEMORY`; `ENGINE` when the device is lost, after which `create`
 * makes a new one.
 */
const webgpu: BackendProvider<WebgpuOptions> = provider;
export default webgpu;

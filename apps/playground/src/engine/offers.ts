/** Backends of the page, in the order in which they are examined; the first one always runs. */
export const OFFERS = [
  { id: 'ts', label: 'TypeScript' },
  { id: 'wasm', label: 'WebAssembly' },
  { id: 'wasm-threads', label: 'WebAssembly, threads' },
  { id: 'webgpu', label: 'WebGPU' },
  { id: 'gpujs-webgpu', label: 'gpu.js, WebGPU' },
  { id: 'gpujs-webgl2', label: 'gpu.js, WebGL 2' },
  { id: 'gpujs-webasm', label: 'gpu.js, WebAssembly' },
] as const;

export type OfferId = (typeof OFFERS)[number]['id'];

/** Id of attention as the formula is written, which races against the backends. */
export const NAIVE = 'naive';

import type { BackendState } from '../engine/question.ts';

/** Default backend, until the reader chooses one: WebGPU on a real GPU; null while there is none. */
export function preferredBackend(backends: readonly BackendState[]): 'webgpu' | null {
  const webgpu = backends.find(({ id }) => id === 'webgpu');
  const isReal = webgpu?.status === 'available' && !webgpu.detail.includes('(software)');
  return isReal ? 'webgpu' : null;
}

/** Default backend for a language model, whose steps are many and small: WebAssembly, with threads if the page has them. */
export function backendForModel(backends: readonly BackendState[]): string {
  const isAvailable = (wanted: string): boolean =>
    backends.some(({ id, status }) => id === wanted && status === 'available');
  return ['wasm-threads', 'wasm'].find(isAvailable) ?? 'ts';
}

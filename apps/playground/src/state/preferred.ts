import type { BackendState } from '../engine/question.ts';

/** Default backend, until the reader chooses one: WebGPU on a real GPU; null while there is none. */
export function preferredBackend(backends: readonly BackendState[]): 'webgpu' | null {
  const webgpu = backends.find(({ id }) => id === 'webgpu');
  const isReal = webgpu?.status === 'available' && !webgpu.detail.includes('(software)');
  return isReal ? 'webgpu' : null;
}

/**
 * Default backend for a language model, whose steps are many and small: WebAssembly, with threads if the page has them;
 * null until both are examined, since another backend would read the whole text again.
 */
export function backendForModel(backends: readonly BackendState[]): string | null {
  const statusOf = (wanted: string): BackendState['status'] =>
    backends.find(({ id }) => id === wanted)?.status ?? 'unavailable';
  const better = ['wasm-threads', 'wasm'];
  if (better.some((id) => statusOf(id) === 'looking')) return null;
  return better.find((id) => statusOf(id) === 'available') ?? 'ts';
}

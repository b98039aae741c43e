import type { BackendState } from '../engine/question.ts';

/** Default backend, until the reader chooses one: WebGPU on a real GPU; null while there is none. */
export function preferredBackend(backends: readonly BackendState[]): 'webgpu' | null {
  const webgpu = backends.find(({ id }) => id === 'webgpu');
  const isReal = webgpu?.status === 'available' && !webgpu.detail.includes('(software)');
  return isReal ? 'webgpu' : null;
}

import type { BackendState } from '../engine/question.ts';

/** The backend that a reader who has chosen none is given: WebGPU on a real GPU; null as long as there is none. */
export function preferredBackend(backends: readonly BackendState[]): 'webgpu' | null {
  const webgpu = backends.find(({ id }) => id === 'webgpu');
  const isReal = webgpu?.status === 'available' && !webgpu.detail.includes('(software)');
  return isReal ? 'webgpu' : null;
}

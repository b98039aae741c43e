import { type AttentionBackend, type BackendProvider, HeedError } from '@heed/core';

/** The backends of this project, by their short names. */
export const BACKENDS = ['ts', 'wasm', 'native', 'gpujs', 'tfjs-node'] as const;

/** A backend by its short name, or by the name of its package. */
export async function createBackend(name: string): Promise<AttentionBackend> {
  const specifier = (BACKENDS as readonly string[]).includes(name) ? `@heed/backend-${name}` : name;
  let provider: BackendProvider;
  try {
    ({ default: provider } = (await import(specifier)) as { default: BackendProvider });
  } catch (error) {
    throw new HeedError('UNAVAILABLE', `${specifier} cannot be imported: ${(error as Error).message}`, {
      remedy: `npm install ${specifier}`,
      cause: error,
    });
  }
  return provider.create();
}

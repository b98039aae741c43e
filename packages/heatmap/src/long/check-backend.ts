import { type AttentionBackend, type BackendProvider, HeedError } from '@heed/core';

/**
 * Refuses what is no backend: most often `create()` was forgotten, or its `await`.
 *
 * @throws HeedError `ARGUMENT`.
 */
export function checkBackend(given: unknown): void {
  const value = given as
    | Partial<AttentionBackend & BackendProvider & PromiseLike<unknown>>
    | null
    | undefined;
  if (Array.isArray(value?.capabilities?.features)) return;
  throw new HeedError('ARGUMENT', `backend is ${kindOf(value)}, expected a backend`, {
    remedy: 'wait for the provider to make one: const backend = await provider.create()',
  });
}

function kindOf(value: Partial<BackendProvider & PromiseLike<unknown>> | null | undefined): string {
  if (typeof value?.then === 'function') return 'a promise';
  if (typeof value?.create === 'function') return `the provider ${String(value.name)}`;
  return value === null ? 'null' : typeof value === 'object' ? 'another object' : String(value);
}

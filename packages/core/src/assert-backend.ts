import { type AttentionBackend, type BackendProvider, CONTRACT_VERSION } from './contract.ts';
import { HeedError } from './error.ts';
import { shown } from './options/shown.ts';

/**
 * Throws if the value is not a backend: most often `create()` was forgotten, or its `await`.
 *
 * @param name of the argument, in messages.
 * @throws HeedError `ARGUMENT` or `CONTRACT_VERSION`.
 */
export function assertBackend(given: unknown, name: string = 'backend'): asserts given is AttentionBackend {
  const value = given as
    | Partial<AttentionBackend & BackendProvider & PromiseLike<unknown>>
    | null
    | undefined;
  // An older or newer backend may lack whatever is asked for below.
  if (typeof value?.contract === 'number') checkContract(value as AttentionBackend);
  if (typeof value?.compile === 'function' && Array.isArray(value.capabilities?.features)) return;
  throw new HeedError('ARGUMENT', `${name} is ${kindOfBackend(value)}; expected a backend`, {
    clause: 'contract',
    remedy: 'await what a provider makes: const backend = await provider.create()',
  });
}

function kindOfBackend(value: Partial<BackendProvider & PromiseLike<unknown>> | null | undefined): string {
  if (typeof value?.then === 'function') return 'a promise';
  if (typeof value?.create === 'function') return `the provider ${String(value.name)}`;
  return shown(value);
}

/**
 * Throws if a provider or a backend has another version of the contract.
 *
 * @throws HeedError `CONTRACT_VERSION`.
 */
export function checkContract(speaker: { readonly contract: number; readonly name: string }): void {
  if (speaker?.contract === CONTRACT_VERSION) return;
  throw new HeedError(
    'CONTRACT_VERSION',
    `${String(speaker?.name ?? 'the value')}: unsupported contract version ${shown(speaker?.contract)}; this core supports ${CONTRACT_VERSION}`,
    { remedy: 'install versions of @heed/core and of the backend that speak the same contract' },
  );
}

import { type AttentionBackend, type BackendProvider, HeedError, checkContract } from '@heed/core';
import { checkOptions } from '@heed/core/backend';
import type { ForwardOptions } from './attend.ts';

/**
 * What a layer's forward() is called with besides its inputs, checked before it computes anything.
 *
 * @throws HeedError `ARGUMENT` or `CONTRACT_VERSION`.
 */
export function checkForward(backend: unknown, options: ForwardOptions = {}): void {
  checkBackend('backend', backend);
  checkOptions('forward()', options, { signal: true, weights: true, gradient: true });
  const { gradient = false } = options;
  if (typeof gradient !== 'boolean') checkBackend('gradient', gradient);
}

/**
 * Refuses what is no backend: most often `create()` was forgotten, or its `await`.
 *
 * @throws HeedError `ARGUMENT` or `CONTRACT_VERSION`.
 */
export function checkBackend(name: 'backend' | 'gradient', given: unknown): void {
  const value = given as
    | Partial<AttentionBackend & BackendProvider & PromiseLike<unknown>>
    | null
    | undefined;
  if (Array.isArray(value?.capabilities?.features)) {
    checkContract(value as AttentionBackend);
    return;
  }
  throw new HeedError('ARGUMENT', `${name} is ${kindOf(value)}, expected a backend`, {
    remedy: 'wait for the provider to make one: const backend = await provider.create()',
  });
}

function kindOf(value: Partial<BackendProvider & PromiseLike<unknown>> | null | undefined): string {
  if (typeof value?.then === 'function') return 'a promise';
  if (typeof value?.create === 'function') return `the provider ${String(value.name)}`;
  return value === null ? 'null' : typeof value === 'object' ? 'another object' : String(value);
}

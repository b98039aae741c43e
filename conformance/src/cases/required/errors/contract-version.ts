import { type AttentionBackend, type BackendProvider, attention, firstAvailable } from '@heed/core';
import type { ConformanceCase } from '../../../case.ts';
import { requestOf } from '../../../sketch.ts';
import { behavior, ensure, ensureError } from '../../building/behavior.ts';

/** The same thing, from a future in which the contract has another version. */
function fromTheFuture<T extends AttentionBackend | BackendProvider>(speaker: T): T {
  return Object.create(speaker, { contract: { value: 2, enumerable: true } }) as T;
}

export function contractVersionCases(): ConformanceCase[] {
  return [
    behavior('errors', 'contract-version/backend', [], async ({ backend }) => {
      const run = () => attention(fromTheFuture(backend), { ...requestOf({}, 'version'), gradient: false });
      await ensureError(run, 'CONTRACT_VERSION', 'a backend of contract 2');
    }),
    behavior('errors', 'contract-version/provider', [], async ({ provider }) => {
      const choose = () => firstAvailable([fromTheFuture(provider)]);
      await ensureError(choose, 'UNAVAILABLE', 'a choice among providers of contract 2 alone');
      const { backend, skipped } = await firstAvailable([fromTheFuture(provider), provider]);
      await backend.dispose();
      ensure(skipped.length === 1, 'a provider of contract 2 was not passed over');
    }),
  ];
}

import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';

/**
 * Checks that a value is an opened file: most often the `await` was forgotten.
 *
 * @throws HeedError `ARGUMENT`.
 */
export function checkGGUF(given: unknown): void {
  const { metadata } = (given ?? {}) as { readonly metadata?: unknown };
  if (typeof metadata === 'object' && metadata !== null) return;
  throw new HeedError('ARGUMENT', `the file is ${shown(given)}; expected an opened GGUF file`, {
    clause: 'gguf',
    remedy: 'await what opens it: const file = await openGGUF(blob)',
  });
}

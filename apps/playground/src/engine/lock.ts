import { HeedError } from '@heed/core';

/**
 * Takes a lock of the worker's own name, which it holds while it lives, so that the page learns of its end.
 *
 * @returns the name.
 * @throws HeedError `UNAVAILABLE` where there are no locks, as on pages that are not secure.
 */
export function holdLock(): Promise<string> {
  const { locks } = navigator as { readonly locks?: LockManager };
  const { name } = globalThis as unknown as { readonly name: string };
  if (locks === undefined) {
    throw new HeedError('UNAVAILABLE', 'this page has no locks', { remedy: 'open it over https' });
  }
  return new Promise((resolve, reject) => {
    const forever = new Promise<never>(() => undefined);
    locks
      .request(name, () => {
        resolve(name);
        return forever;
      })
      .catch(reject);
  });
}

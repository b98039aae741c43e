/** Callbacks that wait for an abort, by signal, and the one listener that calls them. */
const waiting = new WeakMap<
  AbortSignal,
  { readonly callbacks: Set<() => void>; readonly listener: () => void }
>();

/**
 * Calls back when the signal is aborted. All waits for one signal share a listener: many calls may have the same
 * signal, and Node takes more than ten listeners for a leak.
 *
 * @param callback a function of its own for each wait.
 * @returns a function that ends the wait.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const { callbacks, listener } = waiting.get(signal) ?? listen(signal);
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
    if (callbacks.size > 0) return;
    signal.removeEventListener('abort', listener);
    waiting.delete(signal);
  };
}

function listen(signal: AbortSignal): { callbacks: Set<() => void>; listener: () => void } {
  const callbacks = new Set<() => void>();
  const listener = (): void => [...callbacks].forEach((callback) => callback());
  const wait = { callbacks, listener };
  waiting.set(signal, wait);
  signal.addEventListener('abort', listener);
  return wait;
}

/** How long a call computes before it gives the event loop a turn. */
export const TURN_MILLISECONDS = 50;

/**
 * Runs work that yields at short intervals to its end, with turns of the event loop in between: others are served, and
 * an abort has its effect.
 *
 * @param work A generator that yields a few times in {@link TURN_MILLISECONDS}, and returns the result.
 * @throws the signal's reason, at the first turn after it was aborted.
 */
export async function inTurns<T>(
  work: Generator<void, T, void>,
  signal: AbortSignal | undefined,
): Promise<T> {
  let turnEnd = performance.now() + TURN_MILLISECONDS;
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (performance.now() < turnEnd) continue;
    await nextTurn();
    signal?.throwIfAborted();
    turnEnd = performance.now() + TURN_MILLISECONDS;
  }
}

const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void };

/** Lets other work of this thread go first. Not setTimeout: browsers make it wait four milliseconds. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (setImmediate !== undefined) return void setImmediate(resolve);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Time that a call computes before it gives the event loop a turn. */
export const TURN_MILLISECONDS = 50;

/**
 * Runs to its end work that yields at short intervals, with turns of the event loop in between, so that other tasks run
 * and an abort takes effect.
 *
 * @param work A generator that yields a few times in {@link TURN_MILLISECONDS}, and returns the result.
 * @throws the signal's reason, at the first turn after it was aborted.
 */
export async function inTurns<T>(
  work: Generator<void, T, void>,
  signal: AbortSignal | undefined,
): Promise<T> {
  let turnEnd = now() + TURN_MILLISECONDS;
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (now() < turnEnd) continue;
    await nextTurn();
    signal?.throwIfAborted();
    turnEnd = now() + TURN_MILLISECONDS;
  }
}

/** Milliseconds since some moment, by the monotonic clock where there is one. */
export function now(): number {
  return typeof performance === 'undefined' ? Date.now() : performance.now();
}

/**
 * Lets other work of this thread go first. Uses a message instead of a timer: test runners replace timers by ones that
 * stand still, and browsers make setTimeout wait four milliseconds. Without messages and timers, only other promises go
 * first.
 */
export async function nextTurn(): Promise<void> {
  if (typeof MessageChannel !== 'undefined') return nextMessage();
  const later = globalThis as Partial<Pick<typeof globalThis, 'setTimeout'>> & {
    readonly setImmediate?: (callback: () => void) => unknown;
  };
  const timer = [later.setImmediate, later.setTimeout].find((one) => one !== undefined && !isFake(one));
  if (timer !== undefined) await new Promise<void>((resolve) => void timer(resolve));
}

function nextMessage(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Returns whether a timer belongs to a test runner: those of Vitest, Jest and Sinon carry their clock. */
function isFake(timer: object): boolean {
  return 'clock' in timer || '_isMockFunction' in timer;
}

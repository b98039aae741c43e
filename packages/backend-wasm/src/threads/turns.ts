/** How long a call computes before it gives the event loop a turn. */
export const TURN_MILLISECONDS = 50;

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

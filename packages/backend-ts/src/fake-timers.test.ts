import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => void vi.useRealTimers());

const LENGTH = 1600;

/** Counts the turns that other work gets, until it is closed. */
function countTurns(): { readonly turns: number; close(): void } {
  const { port1, port2 } = new MessageChannel();
  let turns = 0;
  port1.addEventListener('message', () => {
    turns++;
    port2.postMessage(null);
  });
  port1.start();
  port2.postMessage(null);
  return {
    get turns() {
      return turns;
    },
    close: () => port1.close(),
  };
}

test('a long call ends where a test runner has replaced the timers, and gives others their turn', async () => {
  // Like vitest's default, except for the clock, which determines when a turn is due; before anything is loaded.
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
  const { attention, tensor } = await import('@heed/core');
  const { default: ts } = await import('./index.ts');
  const shape = [1, 1, LENGTH, 64];
  const x = tensor(
    Float32Array.from({ length: LENGTH * 64 }, (_, n) => Math.sin(n)),
    shape,
  );
  const value = tensor(new Float32Array(LENGTH * 64).fill(1), shape);
  await using backend = await ts.create();
  const others = countTurns();
  const { output } = await attention(backend, { query: x, key: x, value });
  others.close();
  expect(output.data.every((number) => Math.abs(number - 1) < 1e-6)).toBe(true);
  expect(others.turns).toBeGreaterThan(0);
});

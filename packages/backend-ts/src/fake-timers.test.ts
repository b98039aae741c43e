import { attention, tensor } from '@heed/core';
import { afterEach, expect, test, vi } from 'vitest';
import ts from './index.ts';

afterEach(() => void vi.useRealTimers());

const LENGTH = 1600;

/** Counts the turns that others get until it is closed. */
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

test('a long call ends where a test runner replaces the timers, and gives others their turn', async () => {
  const x = tensor(
    Float32Array.from({ length: LENGTH * 64 }, (_, n) => Math.sin(n)),
    [1, 1, LENGTH, 64],
  );
  const request = { query: x, key: x, value: x };
  await using judge = await ts.create();
  const expected = await attention(judge, request);
  // As vitest does it by default, but for the clock, which tells when a turn is due.
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
  await using backend = await ts.create();
  const others = countTurns();
  const { output } = await attention(backend, request);
  others.close();
  expect(output.data).toEqual(expected.output.data);
  expect(others.turns).toBeGreaterThan(0);
});

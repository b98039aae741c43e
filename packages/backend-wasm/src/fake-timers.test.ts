import { attention, tensor } from '@heed/core';
import { afterEach, expect, test, vi } from 'vitest';
import wasm from './index.ts';

afterEach(() => void vi.useRealTimers());

const LENGTH = 3000;

test.each([1, 2])(
  'a long call ends where a test runner replaces the timers, threads: %i',
  async (threads) => {
    const x = tensor(
      Float32Array.from({ length: LENGTH * 64 }, (_, n) => Math.sin(n)),
      [1, 1, LENGTH, 64],
    );
    const request = { query: x, key: x, value: x };
    await using judge = await wasm.create({ threads });
    const expected = await attention(judge, request);
    // As vitest does it by default, but for the clock, which tells when others are due their turn.
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
    await using backend = await wasm.create({ threads });
    const { output } = await attention(backend, request);
    expect(output.data).toEqual(expected.output.data);
  },
);

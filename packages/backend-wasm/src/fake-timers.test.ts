import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => void vi.useRealTimers());

const LENGTH = 3000;

test.each([1, 2])(
  'a long call ends where a test runner has replaced the timers, threads: %i',
  async (threads) => {
    // Vitest's default, except for the clock, which tells when others get their turn; before anything is
    // loaded.
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
    const { attention, tensor } = await import('@heed/core');
    const { default: wasm } = await import('./index.ts');
    const shape = [1, 1, LENGTH, 64];
    const x = tensor(
      Float32Array.from({ length: LENGTH * 64 }, (_, n) => Math.sin(n)),
      shape,
    );
    const value = tensor(new Float32Array(LENGTH * 64).fill(1), shape);
    await using backend = await wasm.create({ threads });
    const { output } = await attention(backend, { query: x, key: x, value });
    expect(output.data.every((number) => Math.abs(number - 1) < 1e-4)).toBe(true);
  },
);

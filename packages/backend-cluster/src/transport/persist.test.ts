import { describe, expect, test } from 'vitest';
import { persist } from './persist.ts';

/** A step that fails a number of times, and tells how often it was tried. */
function failing(times: number): { step: () => Promise<string>; tries: () => number } {
  let tries = 0;
  const step = async (): Promise<string> => {
    if (tries++ < times) throw new Error(`try ${tries}`);
    return 'done';
  };
  return { step, tries: () => tries };
}

describe('a step that may be repeated', () => {
  test('is repeated until it succeeds', async () => {
    const { step, tries } = failing(3);
    expect(await persist(step, { patience: 60_000, isFinal: () => false })).toBe('done');
    expect(tries()).toBe(4);
  });

  test('ends with the last error when the patience ends', async () => {
    const { step } = failing(Infinity);
    await expect(persist(step, { patience: -1, isFinal: () => false })).rejects.toThrow('try 1');
  });

  test('is not repeated after an error that is final', async () => {
    const { step, tries } = failing(Infinity);
    const isFinal = (error: unknown): boolean => (error as Error).message === 'try 2';
    await expect(persist(step, { patience: 60_000, isFinal })).rejects.toThrow('try 2');
    expect(tries()).toBe(2);
  });

  test('is repeated when time passed in which this process did not run', async () => {
    let tries = 0;
    const step = async (): Promise<number> => {
      if (tries++ > 0) return tries;
      // The process is paused: nothing runs, and then the attempt has timed out.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      throw new Error('timeout');
    };
    expect(await persist(step, { patience: 100, isFinal: () => false })).toBe(2);
  });
});

import { expect, test, vi } from 'vitest';
import { onAbort } from './aborts.ts';

test('waits for one signal share a listener, which goes with the last of them', () => {
  const controller = new AbortController();
  const { signal } = controller;
  const [add, remove] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')];
  const called: number[] = [];
  const ends = Array.from({ length: 20 }, (_, n) => onAbort(signal, () => called.push(n)));
  for (const end of ends.slice(0, 19)) end();
  expect([add.mock.calls.length, remove.mock.calls.length]).toEqual([1, 0]);
  ends[19]!();
  expect(remove).toHaveBeenCalledTimes(1);
  onAbort(signal, () => called.push(20));
  controller.abort();
  expect(called).toEqual([20]);
});

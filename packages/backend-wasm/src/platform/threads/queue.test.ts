import { describe, expect, test } from 'vitest';
import { Queue } from './queue.ts';

/** Work that ends when it is told to. */
function work(): { run: () => Promise<string>; end: (value: string) => void; begun: boolean } {
  let end!: (value: string) => void;
  const ended = new Promise<string>((resolve) => (end = resolve));
  const piece = {
    begun: false,
    end,
    run() {
      piece.begun = true;
      return ended;
    },
  };
  return piece;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('pieces of work', () => {
  test('are done one at a time, in order, also after one that fails', async () => {
    const queue = new Queue();
    const first = work();
    const third = work();
    const results = [
      queue.run(first.run, undefined),
      queue.run(() => Promise.reject(new Error('second')), undefined),
      queue.run(third.run, undefined),
    ];
    const settled = Promise.allSettled(results);
    await turn();
    expect([first.begun, third.begun]).toEqual([true, false]);
    first.end('first');
    await turn();
    expect(third.begun).toBe(true);
    third.end('third');
    expect(await settled).toMatchObject([
      { value: 'first' },
      { reason: { message: 'second' } },
      { value: 'third' },
    ]);
  });

  test('that are aborted while they wait end at once, and keep nobody waiting', async () => {
    const queue = new Queue();
    const [first, second, third] = [work(), work(), work()];
    const controller = new AbortController();
    const running = queue.run(first.run, undefined);
    const aborted = queue.run(second.run, controller.signal);
    const waiting = queue.run(third.run, undefined);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await turn();
    expect([second.begun, third.begun]).toEqual([false, false]);
    first.end('first');
    third.end('third');
    expect(await Promise.all([running, waiting])).toEqual(['first', 'third']);
    expect(second.begun).toBe(false);
  });
});

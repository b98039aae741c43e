import { afterEach, expect, test, vi } from 'vitest';
import { Heap } from '../../memory/heap.ts';
import type { Phase } from '../../plan/plan.ts';
import { tinyModule } from '../../test/tiny-module.ts';
import type { FromWorker, ToWorker } from './job.ts';
import { work } from './worker-source.ts';
import { WORD } from './words.ts';

afterEach(() => vi.restoreAllMocks());

const COUNT: Phase = { export: 'count', firstTask: 0, tasks: 14 };

/** A worker's program on this thread, its words, and what it says. */
async function program(): Promise<{
  words: Int32Array;
  said: FromWorker[];
  does(number: number, open: number): void;
}> {
  const { memory } = new Heap(true);
  const words = new Int32Array(new SharedArrayBuffer(4 * (WORD.INSIDE + 1)));
  const said: FromWorker[] = [];
  let hear!: (message: ToWorker) => void;
  work({ post: (message) => said.push(message), listen: (listener) => (hear = listener) }, WORD);
  hear({ memory, words, inside: WORD.INSIDE });
  const module = await WebAssembly.compile(tinyModule(true));
  let isSent = false;
  return {
    words,
    said,
    does(number, open) {
      words.fill(0);
      words[WORD.OPEN] = open;
      const sent = isSent ? {} : { module };
      isSent = true;
      hear({ number, id: 7, ...sent, phases: [COUNT], frame: 64, scratch: 0, reports: false });
    },
  };
}

function noRoom(): void {
  vi.spyOn(WebAssembly, 'Instance').mockImplementation(function refuse() {
    throw new RangeError('no room');
  });
}

test('a worker that comes late to a job does not stop the one under way', async () => {
  const { words, said, does } = await program();
  noRoom();
  does(1, 2);
  expect([words[WORD.STOP], words[WORD.CLAIMED], words[WORD.INSIDE]]).toEqual([0, 0, 0]);
  expect(said).toEqual([{ ready: true }]);
});

test('an instance that had no room fails its job, and is made for the next one', async () => {
  const { words, said, does } = await program();
  noRoom();
  does(1, 1);
  expect([words[WORD.STOP], words[WORD.DONE]]).toEqual([1, 0]);
  expect(said.slice(1)).toEqual([{ error: 'RangeError: no room', number: 1 }]);
  vi.restoreAllMocks();
  does(2, 2);
  expect([words[WORD.STOP], words[WORD.DONE]]).toEqual([0, 14]);
  expect(said).toHaveLength(2);
});

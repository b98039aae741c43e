import { describe, expect, test } from 'vitest';
import { workload } from '../workload/workload.ts';
import type { Refusal } from '../process/protocol.ts';
import { type Entrant, type Progress, type Ready, race, roundOrder } from './race.ts';

const tiny = workload({ length: 4, heads: 1, headDim: 2 });
const memory = { peakBytes: 3, growthBytes: 1, inputBytes: 1, outputBytes: 1 };
const refusal: Refusal = { status: 'wrong', device: 'd', threads: 1, reason: 'differs' };

/** An entrant without a process that keeps a diary. */
function entrant(contestant: string, diary: string[], change: Partial<Ready> = {}): Entrant {
  return {
    contestant,
    workload: tiny,
    enter: async () => ({
      status: 'ready',
      device: 'd',
      threads: 1,
      firstRunMs: 1,
      startMs: 300,
      memory,
      async turn() {
        diary.push(contestant);
        return { status: 'turn taken', samplesMs: [1, 2, 6], waitedShare: 0.5 };
      },
      end: async () => void diary.push(`${contestant} ends`),
      ...change,
    }),
  };
}

test('each round begins one place further', () => {
  expect([0, 1, 2, 3].map((round) => roundOrder(3, round).join(''))).toEqual(['012', '120', '201', '012']);
  expect(roundOrder(1, 5)).toEqual([0]);
});

test('entrants take turns, after one to warm up, and all end', async () => {
  const diary: string[] = [];
  const { finishes, peakGflops } = await race(
    ['a', 'b', 'c'].map((name) => entrant(name, diary)),
    { rounds: 3, peak: async () => 5 },
  );
  expect(diary.join('')).toBe(['cab', 'abc', 'bca', 'cab', 'a endsb endsc ends'].join(''));
  expect(peakGflops).toEqual([5, 5, 5]);
  expect(finishes[0]).toEqual({
    status: 'measured',
    device: 'd',
    threads: 1,
    memory,
    firstRunMs: 1,
    startMs: 300,
    roundsMs: [2, 2, 2],
    undisturbedMs: [1.5, 1.5, 1.5],
    samplesMs: [
      [1, 2, 6],
      [1, 2, 6],
      [1, 2, 6],
    ],
  });
});

describe('an entrant drops out', () => {
  test('that may not start', async () => {
    const diary: string[] = [];
    const wrong: Entrant = { contestant: 'wrong', workload: tiny, enter: async () => refusal };
    const { finishes } = await race([wrong, entrant('a', diary)], { rounds: 2 });
    expect(finishes[0]).toMatchObject({ status: 'wrong', reason: 'differs', roundsMs: [] });
    expect(finishes[1]!.roundsMs).toHaveLength(2);
  });

  test('that fails in the middle, with nothing of it kept', async () => {
    const diary: string[] = [];
    let turns = 0;
    const tired = entrant('tired', diary, {
      turn: async () =>
        ++turns > 2
          ? { ...refusal, status: 'failed' }
          : { status: 'turn taken', samplesMs: [1], waitedShare: 0 },
    });
    const { finishes } = await race([tired, entrant('a', diary)], { rounds: 4 });
    expect(finishes[0]).toMatchObject({ status: 'failed', roundsMs: [], reason: 'differs' });
    expect(finishes[1]!.roundsMs).toHaveLength(4);
    expect(diary.filter((line) => line === 'tired ends')).toHaveLength(1);
  });

  test('whose first run leaves no room for two in its share', async () => {
    const diary: string[] = [];
    const slow = { ...entrant('slow', diary, { firstRunMs: 600 }), shareMs: 1000 };
    const { finishes } = await race([slow, entrant('a', diary)], { rounds: 1 });
    expect(finishes[0]).toMatchObject({ status: 'too slow', device: 'd', memory, roundsMs: [] });
    expect(finishes[0]!.reason).toBe('one run takes 0.60 s; 2 would be over its share of 1.0 s');
    expect(diary[0]).toBe('slow ends');
    expect(finishes[1]!.status).toBe('measured');
  });
});

test('one whose share is used up takes no more turns, after two rounds; the others go on', async () => {
  // A first run of 1 ms, and turns of 9 ms, of which the first warms up.
  const [poor, thrifty] = [12, 40].map((shareMs) => ({ ...entrant(`${shareMs}`, []), shareMs }));
  const { finishes, peakGflops } = await race([poor!, thrifty!, entrant('rich', [])], {
    rounds: 5,
    peak: async () => 5,
  });
  expect(finishes.map(({ roundsMs }) => roundsMs.length)).toEqual([2, 3, 5]);
  expect(peakGflops).toHaveLength(5);
});

test('past its end a race has one round, and nobody enters any more', async () => {
  const controller = { end: Infinity };
  const last = { ...entrant('a', []) };
  const enter = last.enter.bind(last);
  last.enter = async (...words) => {
    controller.end = 0;
    return enter(...words);
  };
  const { finishes } = await race([last, entrant('b', [])], {
    rounds: 50,
    get end() {
      return controller.end;
    },
  });
  expect(finishes.map(({ status, roundsMs }) => [status, roundsMs.length])).toEqual([
    ['measured', 1],
    ['too slow', 0],
  ]);
});

test('a signal ends it, and what was measured is kept', async () => {
  const controller = new AbortController();
  const diary: string[] = [];
  let turns = 0;
  const onProgress = ({ phase }: Progress): void => {
    if (phase === 'measuring' && ++turns === 4) controller.abort();
  };
  const interrupted = entrant('b', diary, {
    async turn(_, signal) {
      signal!.throwIfAborted();
      return { status: 'turn taken', samplesMs: [1], waitedShare: 0 };
    },
  });
  const never: Entrant = { contestant: 'c', workload: tiny, enter: async () => refusal };
  const { finishes } = await race([entrant('a', diary), interrupted, never], {
    rounds: 9,
    signal: controller.signal,
    onProgress,
  });
  expect(finishes.map(({ status, roundsMs }) => [status, roundsMs.length])).toEqual([
    ['measured', 2],
    ['measured', 2],
    ['wrong', 0],
  ]);
  expect(diary.filter((line) => line.endsWith('ends'))).toHaveLength(2);
});

test('progress goes from 0 towards 1 and names what happens', async () => {
  const seen: Progress[] = [];
  await race([entrant('a', []), entrant('b', [])], { rounds: 3, onProgress: (one) => seen.push(one) });
  const done = seen.map((progress) => progress.done);
  expect(done).toEqual([...done].sort((a, b) => a - b));
  expect(done[0]).toBe(0);
  expect(done.at(-1)).toBeLessThan(1);
  expect(new Set(seen.map(({ phase }) => phase))).toEqual(new Set(['checking', 'warming up', 'measuring']));
});

import { afterEach, describe, expect, test } from 'vitest';
import { Heap } from '../../memory/heap.ts';
import type { Phase } from '../../plan/plan.ts';
import type { FromWorker, Job, ToWorker } from './job.ts';
import { type Spawn, type Worker, type WorkerEvents, platformSpawn } from './spawn.ts';
import { MAXIMUM_SILENCE, type Second, Team } from './team.ts';
import { tinyModule } from '../../test/tiny-module.ts';

const teams: Team[] = [];
afterEach(async () => {
  await Promise.all(teams.splice(0).map((team) => team.end()));
});

interface Setting {
  readonly team: Team;
  readonly workers: Worker[];
  /** Messages to the workers. */
  readonly posts: ToWorker[];
  job(phases: readonly Phase[], rounds?: number): Promise<Job>;
  cells(job: Job): Int32Array;
}

/** A team on memory of its own, and its workers as they are started. */
async function settingOf(threads: number): Promise<Setting> {
  const heap = new Heap(threads > 1);
  const workers: Worker[] = [];
  const posts: ToWorker[] = [];
  const spawn: Spawn = (events) => {
    const worker = platformSpawn()!(events);
    workers.push(worker);
    return {
      ...worker,
      post(message) {
        posts.push(message);
        worker.post(message);
      },
    };
  };
  const team = await Team.start(heap.memory, threads, spawn);
  teams.push(team);
  let id = 0;
  return {
    team,
    workers,
    posts,
    async job(phases, rounds = 1) {
      const module = await WebAssembly.compile(tinyModule(heap.shared));
      const instance = await WebAssembly.instantiate(module, { env: { memory: heap.memory } });
      const frame = heap.allocate(29 * 4);
      heap.array({ address: frame, dtype: 'int32', length: 29 }).fill(0)[0] = rounds;
      return { module: { id: ++id, module, instance }, phases, frame, scratch: 0, scratchStride: 0 };
    },
    cells: ({ frame }) => heap.array({ address: frame + 4, dtype: 'int32', length: 28 }) as Int32Array,
  };
}

const COUNT: Phase = { export: 'count', firstTask: 0, tasks: 14 };
const SUM: Phase = { export: 'sum', firstTask: 0, tasks: 14 };
/** Rounds of a task that takes about a tenth of a second. */
const LONG = 100_000_000;

describe.for([1, 2, 5])('%i threads', (threads) => {
  test('do every task once, each step after the one before', async () => {
    const { team, job, cells } = await settingOf(threads);
    const some = await job([COUNT, SUM, COUNT, SUM], 2000);
    for (let run = 1; run <= 200; run++) {
      await team.run(some, team.helpersFor(14));
      expect([...cells(some)]).toEqual([
        ...Array<number>(14).fill(2 * run),
        ...Array<number>(14).fill(28 * run),
      ]);
    }
  });

  test('a task that fails fails the job, and not the next one', async () => {
    const { team, job, cells } = await settingOf(threads);
    const failing = await job([COUNT, { export: 'fail', firstTask: 0, tasks: 14 }, COUNT]);
    await expect(team.run(failing, team.helpersFor(14))).rejects.toMatchObject({
      code: 'ENGINE',
      message: expect.stringContaining('unrepresentable'),
    });
    expect([...cells(failing)].slice(0, 14)).toEqual(Array(14).fill(1));
    const next = await job([COUNT]);
    await team.run(next, team.helpersFor(14));
    expect([...cells(next)].slice(0, 14)).toEqual(Array(14).fill(1));
  });

  test('an abort ends the job with its reason, and nothing is done after it', async () => {
    const { team, job, cells } = await settingOf(threads);
    const long = await job(Array<Phase>(40).fill(COUNT), LONG);
    const reason = new Error('enough');
    const run = team.run(long, team.helpersFor(14), AbortSignal.timeout(1));
    await expect(run).rejects.toMatchObject({ name: 'TimeoutError' });
    const done = [...cells(long)];
    expect(done.reduce((sum, count) => sum + count)).toBeLessThan(14 * 40);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([...cells(long)]).toEqual(done);
    await expect(team.run(long, 0, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test('other work of this thread gets its turn', async () => {
    const { team, job } = await settingOf(threads);
    const long = await job(Array<Phase>(5).fill(COUNT), LONG);
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await team.run(long, team.helpersFor(14));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });
});

describe('a worker that ends', () => {
  test('during a job fails it; the next one gets another worker', async () => {
    const { team, job, cells, workers } = await settingOf(3);
    const long = await job(Array<Phase>(40).fill(COUNT), LONG);
    const run = team.run(long, 2);
    void workers[1]!.end();
    await expect(run).rejects.toMatchObject({ code: 'ENGINE', remedy: expect.stringContaining('again') });
    const next = await job([COUNT, SUM]);
    await team.run(next, 2);
    expect([...cells(next)].slice(14)).toEqual(Array(14).fill(14));
    expect(workers).toHaveLength(3);
  });

  test('between jobs harms none', async () => {
    const { team, job, cells, workers } = await settingOf(3);
    const some = await job([COUNT, SUM], 2000);
    await team.run(some, 2);
    await Promise.all(workers.map((worker) => worker.end()));
    await team.run(some, 2);
    expect([...cells(some)].slice(14)).toEqual(Array(14).fill(28));
    expect(workers).toHaveLength(4);
  });

  test('leaves no gap in the scratch of the others', async () => {
    const { team, job, workers, posts } = await settingOf(4);
    await workers[0]!.end();
    const some = { ...(await job([COUNT])), scratch: 1000, scratchStride: 10 };
    for (const helpers of [3, 2, 1]) {
      posts.length = 0;
      await team.run(some, helpers);
      const places = posts.flatMap((message) => ('scratch' in message ? [message.scratch] : []));
      expect(places).toEqual([1010, 1020, 1030].slice(0, helpers));
    }
  });

  test('at its start is an error with a remedy', async () => {
    const heap = new Heap(true);
    const spawn: Spawn = (events) => {
      const worker = platformSpawn()!(events);
      void worker.end();
      return worker;
    };
    await expect(Team.start(heap.memory, 2, spawn)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      remedy: expect.stringContaining('threads: 1'),
    });
    const refuse: Spawn = () => {
      throw new Error('not allowed');
    };
    await expect(Team.start(heap.memory, 2, refuse)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

/** A worker that does what it is told to, in place of one from an address. */
function stranger(events: WorkerEvents, ended: string[], answers: readonly unknown[]): Worker {
  for (const answer of answers) queueMicrotask(() => events.message(answer as FromWorker));
  return {
    post: () => undefined,
    hold: () => undefined,
    end: async () => void ended.push('ended'),
  };
}

describe('a module that is not that of a worker', () => {
  test('and never answers is an error after a time without answers', async () => {
    const ended: string[] = [];
    let tick!: () => void;
    let isTicking = true;
    const second: Second = (onSecond) => {
      tick = onSecond;
      return () => (isTicking = false);
    };
    const start = Team.start(new Heap(true).memory, 3, (events) => stranger(events, ended, []), second);
    let isOver = false;
    const over = start.catch((error: unknown) => {
      isOver = true;
      return error;
    });
    for (let seconds = 1; seconds < MAXIMUM_SILENCE; seconds++) tick();
    await Promise.resolve();
    expect(isOver).toBe(false);
    tick();
    expect(await over).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(`no answer in ${MAXIMUM_SILENCE} s`),
      remedy: expect.stringContaining('@heed/backend-wasm/worker'),
    });
    expect(ended).toEqual(['ended', 'ended']);
    expect(isTicking).toBe(false);
  });

  test('each worker that answers gives the others their time anew', async () => {
    const ended: string[] = [];
    let tick!: () => void;
    const waiting: WorkerEvents[] = [];
    const start = Team.start(
      new Heap(true).memory,
      3,
      (events) => {
        waiting.push(events);
        return stranger(events, ended, []);
      },
      (onSecond) => {
        tick = onSecond;
        return () => undefined;
      },
    );
    for (const { message } of waiting) {
      for (let seconds = 1; seconds < MAXIMUM_SILENCE; seconds++) tick();
      message({ ready: true });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await (await start).end();
    expect(ended).toEqual(['ended', 'ended']);
  });

  test.for([['hello'], [null], [{ type: 'ready' }], [{ error: 'x', number: 1 }]])(
    'and says %o is an error at once',
    async (answers) => {
      const ended: string[] = [];
      const start = Team.start(new Heap(true).memory, 2, (events) => stranger(events, ended, answers));
      await expect(start).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringContaining('not the module of a worker'),
        remedy: expect.stringContaining('@heed/backend-wasm/worker'),
      });
      expect(ended).toEqual(['ended']);
    },
  );
});

test('a step can begin anywhere', async () => {
  const { team, job, cells } = await settingOf(2);
  const halves = await job([
    { export: 'count', firstTask: 7, tasks: 7 },
    { export: 'count', firstTask: 2, tasks: 5 },
  ]);
  await team.run(halves, 1);
  expect([...cells(halves)].slice(0, 14)).toEqual([0, 0, ...Array<number>(12).fill(1)]);
});

test('a module that is forgotten can come again', async () => {
  const { team, job, cells } = await settingOf(2);
  const some = await job([COUNT], 2000);
  await team.run(some, 1);
  team.forget(some.module.id);
  await team.run(some, 1);
  expect([...cells(some)].slice(0, 14)).toEqual(Array(14).fill(2));
});

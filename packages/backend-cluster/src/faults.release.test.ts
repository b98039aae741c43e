import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import ts from '@heed/backend-ts';
import { HeedError } from '@heed/core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startCaller } from './test/caller-process.ts';
import { TestCluster, bits, request } from './test/cluster.ts';
import { Stranger } from './test/raw.ts';
import { hasServer } from './test/server.ts';
import { BARE, DEADLY, FATAL, HUGE } from './test/trapped-backend.ts';

/** The error that a call fails with. */
async function errorOf(call: Promise<unknown>): Promise<HeedError> {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!HeedError.isInstance(error)) throw new Error(`expected an error of Heed, not ${String(error)}`);
  return error;
}

describe.skipIf(!hasServer())('a cluster', () => {
  let expected: string;

  /** The bits of a cluster that loses nothing. */
  beforeAll(async () => {
    const calm = await TestCluster.start(1);
    expected = await bits(calm.backend, request());
    await TestCluster.endAll();
  });
  afterEach(() => TestCluster.endAll());

  test('of one shard has the bits of its worker', async () => {
    const cluster = await TestCluster.start(2, {}, { shardKeys: 1000 });
    const backend = await ts.create();
    expect(await bits(cluster.backend, request())).toBe(await bits(backend, request()));
  });

  test('has the same bits with any number of workers', async () => {
    const cluster = await TestCluster.start(3);
    expect(await bits(cluster.backend, request())).toBe(expected);
    expect(cluster.runs.at(-1)!.workers).toHaveLength(3);
  });

  test('of which a worker is killed in the middle of a run ends with the same bits', async () => {
    const cluster = await TestCluster.start(3, { backendOptions: { delay: 150 } });
    const run = bits(cluster.backend, request());
    await wait(100);
    await cluster.workers[0]!.kill();
    expect(await run).toBe(expected);
    expect(cluster.runs.at(-1)!.retries).toBeGreaterThan(0);
    expect(await bits(cluster.backend, request())).toBe(expected);
  });

  test('of which a worker is paused goes on, and ignores what that says later', async () => {
    const cluster = await TestCluster.start(3, { backendOptions: { delay: 150 } });
    const stranger = await Stranger.on(cluster.server);
    const [paused] = cluster.workers;
    const run = bits(cluster.backend, request());
    await wait(100);
    paused!.send('SIGSTOP');
    expect(await run).toBe(expected);
    expect(cluster.runs.at(-1)!.workers).not.toContain(paused!.id);
    // The run is over and cleaned up; now the paused worker answers the task that it has in hand.
    const next = bits(cluster.backend, request(5));
    paused!.send('SIGCONT');
    const other = await next;
    await wait(500);
    expect(await bits(cluster.backend, request(5))).toBe(other);
    expect(await bits(cluster.backend, request())).toBe(expected);
    await expect.poll(() => stranger.stored('tasks')).toBe(0);
    await stranger.end();
  });

  test('whose workers compute for longer than the acknowledgement waits does nothing twice', async () => {
    // A blocked thread sends nothing, but the other one does.
    const cluster = await TestCluster.start(1, { backendOptions: { block: 1200 }, deliveries: 2 });
    expect(await bits(cluster.backend, request())).toBe(expected);
    expect(cluster.runs.at(-1)!.retries).toBe(0);
  });

  test('whose workers are all gone says so, and works when there are some again', async () => {
    const cluster = await TestCluster.start(2);
    await cluster.backend.dispose();
    await cluster.connect({ patience: 1500 });
    await Promise.all(cluster.workers.map((worker) => worker.kill()));
    const error = await errorOf(bits(cluster.backend, request()));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', remedy: expect.stringContaining('heed worker') });
    expect(error.message).toContain('keys 0 to 7 (shard 0)');
    await cluster.join();
    expect(await bits(cluster.backend, request())).toBe(expected);
  });

  test('whose caller is paused for longer than its patience goes on', async () => {
    const cluster = await TestCluster.start(2, { backendOptions: { delay: 30 } });
    const create = { servers: cluster.server.url, shardKeys: 1024, patience: 1500 };
    const caller = startCaller({ create, keys: 8192, heads: 2, depth: 16, steps: 40 });
    let said = '';
    caller.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = once(caller, 'close');
    const stranger = await Stranger.on(cluster.server);
    await expect.poll(() => stranger.stored('answers'), { timeout: 60_000, interval: 20 }).toBeGreaterThan(8);
    caller.kill('SIGSTOP');
    await wait(4000);
    caller.kill('SIGCONT');
    expect(await ended).toEqual([0, null]);
    expect(JSON.parse(said)).toHaveProperty('decoded');
    await stranger.end();
  });

  test('whose server is gone says so, and works when it is there again', async () => {
    const cluster = await TestCluster.start(2);
    await cluster.backend.dispose();
    await cluster.connect({ patience: 1500 });
    await cluster.server.stop('SIGKILL');
    expect(await errorOf(bits(cluster.backend, request()))).toMatchObject({ code: 'UNAVAILABLE' });
    await cluster.server.start();
    await expect
      .poll(() => bits(cluster.backend, request()).catch(String), { timeout: 20_000 })
      .toBe(expected);
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'whose server restarts in the middle (%s) ends right',
    async (signal) => {
      const cluster = await TestCluster.start(3, { backendOptions: { delay: 300 } }, { patience: 20_000 });
      const run = bits(cluster.backend, request());
      await wait(250);
      await cluster.server.stop(signal);
      await wait(300);
      await cluster.server.start();
      expect(await run).toBe(expected);
      expect(await bits(cluster.backend, request())).toBe(expected);
    },
  );

  test('gives a shard up that ends its workers, says which, and goes on', async () => {
    const cluster = await TestCluster.start(4, { deliveries: 2 });
    const poison = { ...request(1, DEADLY), key: request().key };
    const one = { query: poison.query, key: slice(poison.key, 5), value: slice(poison.value, 5) };
    const error = await errorOf(bits(cluster.backend, one));
    expect(error.code).toBe('ENGINE');
    expect(error.message).toContain('all keys');
    expect(await bits(cluster.backend, request())).toBe(expected);
  });

  test('ends a worker that is told to stop, also where its backend is lost meanwhile', async () => {
    const cluster = await TestCluster.start(1, { backendOptions: { delay: 500 } });
    const [worker] = cluster.workers;
    const failing = errorOf(bits(cluster.backend, request(1, FATAL)));
    await wait(300);
    worker!.send('SIGTERM');
    expect(await worker!.exit).toBe(0);
    expect((await failing).code).toBe('UNAVAILABLE');
  });

  test('says which shard is too large for the memory of its worker', async () => {
    const cluster = await TestCluster.start(2);
    const error = await errorOf(bits(cluster.backend, request(1, HUGE)));
    expect(error.code).toBe('OUT_OF_MEMORY');
    expect(error.message).toMatch(/keys \d+ to \d+ \(shard \d\): worker worker-\w+: not enough memory/);
    expect(await bits(cluster.backend, request())).toBe(expected);
  });

  test('goes on after a backend threw what has no text', async () => {
    const cluster = await TestCluster.start(1);
    expect(await errorOf(bits(cluster.backend, request(1, BARE)))).toMatchObject({ code: 'ENGINE' });
    expect(await bits(cluster.backend, request())).toBe(expected);
  });

  test('takes back what is aborted: 200 times, and then a run', async () => {
    const cluster = await TestCluster.start(2, { backendOptions: { delay: 20 } });
    const stranger = await Stranger.on(cluster.server);
    const reason = new Error('enough');
    for (let round = 0; round < 10; round++) {
      const aborted = Array.from({ length: 20 }, async (_, n) => {
        const controller = new AbortController();
        const run = bits(cluster.backend, request(), controller.signal);
        await wait(n);
        controller.abort(reason);
        await expect(run).rejects.toBe(reason);
      });
      await Promise.all(aborted);
    }
    expect(await bits(cluster.backend, request())).toBe(expected);
    await expect.poll(() => stranger.stored('tasks')).toBe(0);
    await stranger.end();
  });

  describe('refuses', () => {
    let cluster: TestCluster;
    let stranger: Stranger;

    beforeEach(async () => {
      cluster = await TestCluster.start(1);
      stranger = await Stranger.on(cluster.server);
      return () => stranger.end();
    });

    test('workers of another contract, by name', async () => {
      const end = stranger.pretend({ contract: 99 });
      const error = await errorOf(cluster.connect());
      end();
      expect(error.code).toBe('CONTRACT_VERSION');
      expect(error.message).toContain('pretender');
    });

    test('workers of another level, by name', async () => {
      const end = stranger.pretend({ device: 'JavaScript of tomorrow, 8 threads' });
      const error = await errorOf(cluster.connect());
      end();
      expect(error.code).toBe('ARGUMENT');
      expect(error.message).toMatch(/pretender is trapped, JavaScript of tomorrow, contract 1/);
    });

    test('to join where others have another level', async () => {
      const { TRAPPED, HASTY } = await import('./test/cluster.ts');
      const { WorkerProcess } = await import('./test/workers.ts');
      const other = {
        servers: cluster.server.url,
        backend: TRAPPED,
        ...HASTY,
        backendOptions: { device: 'else' },
      };
      await expect(WorkerProcess.start(other)).rejects.toThrow(
        new RegExp(`this worker is trapped, else.*${cluster.workers[0]!.id} of namespace heed`),
      );
    });

    test('all but one level of workers that start at once', async () => {
      const { TRAPPED, HASTY } = await import('./test/cluster.ts');
      const { WorkerProcess } = await import('./test/workers.ts');
      const at = { servers: cluster.server.url, backend: TRAPPED, ...HASTY, namespace: 'new' };
      const levels = ['a', 'a', 'b', 'b'];
      const folder = mkdtempSync(path.join(tmpdir(), 'heed-together-'));
      const together = { folder, count: levels.length };
      const started = await Promise.allSettled(
        levels.map((device) => WorkerProcess.start({ ...at, backendOptions: { device, together } })),
      );
      rmSync(folder, { recursive: true });
      const joined = levels.filter((_, index) => started[index]!.status === 'fulfilled');
      const refused = started.filter((one) => one.status === 'rejected');
      for (const one of started) if (one.status === 'fulfilled') cluster.workers.push(one.value);
      expect(joined).toEqual([joined[0], joined[0]]);
      for (const { reason } of refused) {
        expect((reason as Error).message).toMatch(/their bits would differ/);
      }
    });

    test('a worker that was paused, if others of another level came meanwhile', async () => {
      const { TRAPPED, HASTY } = await import('./test/cluster.ts');
      const { WorkerProcess } = await import('./test/workers.ts');
      const [paused] = cluster.workers;
      paused!.send('SIGSTOP');
      const other = await WorkerProcess.start({
        ...HASTY,
        servers: cluster.server.url,
        backend: TRAPPED,
        backendOptions: { device: 'else' },
      });
      cluster.workers.push(other);
      paused!.send('SIGCONT');
      expect(await paused!.hears(/^refused/)).toMatch(
        new RegExp(`while this worker was silent, ${other.id}, trapped, else, .*took its place; end`),
      );
      expect(await paused!.exit).toBe(1);
      await cluster.backend.dispose();
      await cluster.connect();
      expect(await bits(cluster.backend, request())).toBe(expected);
    });

    test('to compute where a worker of another level has come since', async () => {
      const { TRAPPED, HASTY } = await import('./test/cluster.ts');
      const { WorkerProcess } = await import('./test/workers.ts');
      await cluster.workers.pop()!.end();
      const servers = cluster.server.url;
      const other = await WorkerProcess.start({
        ...HASTY,
        servers,
        backend: TRAPPED,
        backendOptions: { device: 'else' },
      });
      cluster.workers.push(other);
      const error = await errorOf(bits(cluster.backend, request()));
      expect(error).toMatchObject({ code: 'ARGUMENT', remedy: expect.stringContaining('anew') });
      expect(error.message).toContain(`worker ${other.id}: it is trapped, else, contract 1`);
      expect(error.message).toContain('trapped, JavaScript, one thread, contract 1');

      await cluster.workers.pop()!.end();
      await cluster.join();
      expect(await bits(cluster.backend, request())).toBe(expected);
    });

    test('what is on its subjects and not its own', async () => {
      for (let group = 0; group < 32; group++) stranger.say(`heed.task.${group}`, 'garbage');
      for (const words of [
        'garbage',
        '{"worker":"w","life":60000}',
        '{"worker":"w","life":60000,"working":5}',
      ])
        stranger.say('heed.alive', words);
      stranger.say('$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.heed_tasks.group-0', 'garbage');
      stranger.say('heed.answer.someone.1.0', 'garbage');
      stranger.say('heed.cancel', 'garbage');
      const { backend } = cluster;
      expect(await bits(backend, request())).toBe(expected);
      await cluster.workers[0]!.hears(/^event not a task/);
      await expect.poll(() => stranger.stored('tasks')).toBe(0);
    });
  });
});

function slice<T extends ReturnType<typeof request>['key']>({ dtype, data }: T, keys: number): T {
  return { dtype, shape: [1, 2, keys, 4], data: data.slice(0, 2 * keys * 4) } as unknown as T;
}

import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { TestCluster, bits, request } from './test/cluster.ts';
import { Stranger } from './test/raw.ts';
import { hasServer } from './test/server.ts';

/** Time for which the server knows the ids of messages, in milliseconds, and a little more. */
const WINDOW = 123_000;
/** Runs after which the answers of earlier ones are deleted, and a few more. */
const RUNS = 40;

describe.skipIf(!hasServer())('a worker', () => {
  afterEach(() => TestCluster.endAll());

  test('that is paused past the clean-up of its run and the memory of message ids changes nothing', async () => {
    const cluster = await TestCluster.start(3, { backendOptions: { delay: 100 } });
    const stranger = await Stranger.on(cluster.server);
    const { backend, workers } = cluster;
    const expected = await bits(backend, request());
    const run = bits(backend, request());
    await wait(60);
    workers[0]!.send('SIGSTOP');
    const paused = Date.now();
    expect(await run).toBe(expected);
    const { retries, workers: answered } = cluster.runs.at(-1)!;
    expect(retries).toBeGreaterThan(0);
    expect(answered).not.toContain(workers[0]!.id);
    for (let n = 0; n < RUNS; n++) expect(await bits(backend, request())).toBe(expected);
    while (Date.now() - paused < WINDOW) await wait(1000);
    const next = bits(backend, request(5));
    workers[0]!.send('SIGCONT');
    const other = await next;
    await workers[0]!.hears(/^joined/);
    // It takes tasks again, after what it had in hand.
    await expect
      .poll(async () => (await bits(backend, request())) === expected && cluster.runs.at(-1)!.workers, {
        timeout: 30_000,
      })
      .toContain(workers[0]!.id);
    expect(await bits(backend, request(5))).toBe(other);
    // A worker answers first; then its task is deleted.
    await expect.poll(() => stranger.stored('tasks')).toBe(0);
    // Late answers go with the caller.
    await backend.dispose();
    expect(await stranger.stored('answers')).toBe(0);
    await cluster.connect();
    await stranger.end();
  }, 300_000);
});

import { HeedError, attention, resolveRequest } from '@heed/core';
import { afterEach, describe, expect, test } from 'vitest';
import cluster from './index.ts';
import { clusterProvider } from './provider.ts';
import type { RunProgress } from './run/metrics.ts';
import { HASTY, TRAPPED, TestCluster, bits, request } from './test/cluster.ts';
import { TestServer, hasServer } from './test/server.ts';
import { WorkerProcess } from './test/workers.ts';

async function codeOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  return HeedError.isInstance(error)
    ? `${error.code}: ${error.message}`
    : `no error of Heed: ${String(error)}`;
}

describe('create', () => {
  test.each([
    [{ server: 'nats://127.0.0.1' }, /^UNKNOWN_OPTION: .*`server`; did you mean `servers`/],
    [{ servers: 'http://127.0.0.1' }, /^ARGUMENT: .*expected an address such as nats:/],
    [{ shardKeys: 0 }, /^ARGUMENT: .*shardKeys is 0/],
    [{ namespace: 'a.b' }, /^ARGUMENT: .*a word of letters/],
    [{ credentials: { user: 'a' } }, /^ARGUMENT: .*expected { user, password }/],
    [{ servers: 'nats://far.example:4222' }, /^ARGUMENT: .*far.example.*expected tls and credentials/],
    [{ servers: 'nats://127.0.0.1:1' }, /^UNAVAILABLE: cluster: cannot connect to .*nats-server -js/],
  ])('of %j is refused', async (options, message) => {
    expect(await codeOf(cluster.create(options as never))).toMatch(message);
  });
});

test('without a server, the reason of probe() leaves the name to whoever reports it', async () => {
  const { probe } = clusterProvider({}, { servers: 'nats://127.0.0.1:1' });
  expect(await probe()).toMatchObject({
    available: false,
    reason: expect.stringMatching(/^cannot connect to /),
  });
});

describe.skipIf(!hasServer())('a server', () => {
  afterEach(() => TestCluster.endAll());

  test('with users refuses the wrong ones, backends and workers alike', async () => {
    const server = await TestServer.start(['--user', 'heed', '--pass', 'right']);
    const credentials = { user: 'heed', password: 'wrong' };
    const here = { servers: server.url, credentials };
    const refused = /refuses the credentials.*give the credentials of a user of this server/;
    try {
      expect(await codeOf(cluster.create(here))).toMatch(refused);
      expect(await codeOf(cluster.create({ servers: server.url }))).toMatch(refused);
      await expect(WorkerProcess.start({ ...here, backend: TRAPPED })).rejects.toThrow(refused);
      const right = { servers: server.url, credentials: { ...credentials, password: 'right' } };
      expect(await codeOf(cluster.create(right))).toMatch(
        /^UNAVAILABLE: .*no workers in namespace heed.*heed worker/,
      );
      const worker = await WorkerProcess.start({ ...right, backend: TRAPPED, ...HASTY });
      const backend = await cluster.create(right);
      expect(backend.device).toMatch(/^cluster of 1 worker \(trapped: JavaScript, one thread\) on NATS \d/);
      await backend.dispose();
      await worker.end();
    } finally {
      await server.end();
    }
  });

  test('has clusters side by side, each in its namespace', async () => {
    const one = await TestCluster.start(1);
    const other = { servers: one.server.url, namespace: 'other' };
    expect(await codeOf(cluster.create(other))).toMatch(/no workers in namespace other/);
    // It has another level: the namespace of the first would refuse it.
    const worker = await WorkerProcess.start({
      ...other,
      backend: TRAPPED,
      ...HASTY,
      backendOptions: { device: 'else' },
    });
    const backend = await cluster.create({ ...other, shardKeys: 8 });
    expect(await bits(backend, request())).toBe(await bits(one.backend, request()));
    await backend.dispose();
    await worker.end();
  });

  test('carries runs that say where their time and bytes went, and how far they are', async () => {
    const told: RunProgress[] = [];
    const { backend, runs } = await TestCluster.start(
      2,
      { backendOptions: { delay: 300 } },
      { onProgress: (progress) => told.push(progress) },
    );
    await attention(backend, request());
    const [run] = runs;
    expect(run).toMatchObject({ shards: 6, retries: 0 });
    expect(run!.workers).toHaveLength(2);
    expect(run!.bytesSent).toBeGreaterThan(6 * 8 * 4 * 4 * 4);
    expect(run!.compute).toBeGreaterThanOrEqual(290);
    expect(run!.compute + run!.wait + run!.merge).toBeCloseTo(run!.total, 3);
    for (const { done, shards, elapsed } of told) {
      expect(done).toBeLessThanOrEqual(shards);
      expect(elapsed).toBeGreaterThan(1000);
    }
  });

  test('fails a run with what its onProgress throws', async () => {
    const reason = new Error('nobody listens');
    const { backend } = await TestCluster.start(
      1,
      { backendOptions: { delay: 1100 } },
      {
        onProgress() {
          throw reason;
        },
      },
    );
    await expect(attention(backend, request())).rejects.toBe(reason);
  });

  test('tells the figures of the last run in the plan', async () => {
    const { backend, runs } = await TestCluster.start(2);
    const { problem, inputs } = resolveRequest(request());
    const kernel = await backend.compile(problem);
    expect(kernel.plan.lastRun).toBeNull();
    await kernel.run(inputs);
    const { workers, ...numbers } = runs.at(-1)!;
    expect(kernel.plan.lastRun).toEqual({ ...numbers, workers: workers.length });
    await kernel.dispose();
  });
});

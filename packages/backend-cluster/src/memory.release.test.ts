import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { attention, tensor } from '@heed/core';
import { afterEach, describe, expect, test } from 'vitest';
import { sweep } from './run/janitor.ts';
import { TestCluster, numbers } from './test/cluster.ts';
import { growthOf, startCaller } from './test/caller-process.ts';
import { Stranger } from './test/raw.ts';
import { hasServer } from './test/server.ts';
import { NatsTransport } from './transport/nats.ts';

const STORED = { localBytes: 0, writesKept: 5 };

/** An output's numbers, to be compared bit by bit. */
const bitsOf = ({ output }: { output: { data: unknown } }): string =>
  Buffer.from((output.data as Float32Array).buffer).toString('hex');

describe.skipIf(!hasServer())('caches on workers', () => {
  afterEach(() => TestCluster.endAll());

  test('grow, and come back when the workers that had them are dead', async () => {
    const cluster = await TestCluster.start(3, {}, {}, STORED);
    const { backend } = cluster;
    const key = await backend.allocate('float32', [1, 2, 48, 4]);
    const value = await backend.allocate('float32', [1, 2, 48, 4]);
    const [keys, values] = [numbers([1, 2, 48, 4], 2), numbers([1, 2, 48, 4], 3)];
    const steps: string[] = [];
    for (let length = 4; length <= 48; length += 4) {
      const rows = ({ data }: typeof keys) =>
        tensor(
          Float32Array.from(
            [0, 1].flatMap((h) => [...data.subarray((h * 48 + length - 4) * 4, (h * 48 + length) * 4)]),
          ),
          [1, 2, 4, 4],
        );
      await key.write(rows(keys), { axis: 2, start: length - 4 });
      await value.write(rows(values), { axis: 2, start: length - 4 });
      // Two of three die on the way; a third one joins.
      if (length === 24) await cluster.workers[0]!.kill();
      if (length === 36) await cluster.workers[1]!.kill();
      if (length === 44) await cluster.join();
      const query = numbers([1, 4, 1, 4], length);
      steps.push(bitsOf(await attention(backend, { query, key, value, keyLengths: [length] })));
    }
    expect((await key.read()).data).toEqual(keys.data);
    await Promise.all([key, value].map((one) => one.dispose()));
    // The same from plain tensors.
    for (const [n, step] of steps.entries()) {
      const length = 4 * (n + 1);
      const query = numbers([1, 4, 1, 4], length);
      expect(
        bitsOf(await attention(backend, { query, key: keys, value: values, keyLengths: [length] })),
      ).toBe(step);
    }
  });

  test('are gone from the store when they are disposed', async () => {
    const cluster = await TestCluster.start(2, {}, {}, STORED);
    const stranger = await Stranger.on(cluster.server);
    const { backend } = cluster;
    const key = await backend.upload(numbers([1, 2, 48, 4], 2));
    const value = await backend.upload(numbers([1, 2, 48, 4], 3));
    await attention(backend, { query: numbers([1, 2, 3, 4]), key, value });
    expect(await stranger.stored('blobs')).toBeGreaterThanOrEqual(12);
    key.dispose();
    value.dispose();
    await backend.dispose();
    expect(await stranger.stored('blobs')).toBe(0);
    expect(await stranger.stored('answers')).toBe(0);
    await expect.poll(() => stranger.stored('tasks')).toBe(0);
    await stranger.end();
    await cluster.connect();
  });

  test('send their writes only: a step after the first moves no shard', async () => {
    const cluster = await TestCluster.start(2, {}, { shardKeys: 4096 });
    const { backend } = cluster;
    const shape = [1, 2, 16_384, 16];
    const key = await backend.upload(numbers(shape, 2));
    const value = await backend.upload(numbers(shape, 3));
    const step = async (): Promise<number> => {
      await attention(backend, { query: numbers([1, 2, 1, 16]), key, value, keyLengths: [16_000] });
      return cluster.runs.at(-1)!.bytesSent;
    };
    expect(await step()).toBeGreaterThan(4e6);
    await key.write(numbers([1, 2, 1, 16], 9), { axis: 2, start: 15_999 });
    expect(await step()).toBeLessThan(20_000);
  });

  test('of a caller that was killed are deleted, those of others stay', async () => {
    const cluster = await TestCluster.start(1, {}, {}, { ...STORED, signs: 100 });
    const stranger = await Stranger.on(cluster.server);
    const transport = await NatsTransport.open(
      { servers: cluster.server.url },
      { name: 'janitor', patience: 5000 },
    );
    const keys = numbers([1, 2, 48, 4], 2);
    const key = await cluster.backend.upload(keys);
    const own = await stranger.stored('blobs');
    const create = { servers: cluster.server.url, shardKeys: 1024 };
    const victim = startCaller({ create, keys: 8192, heads: 2, depth: 16, steps: 1e9 });
    await expect.poll(() => stranger.stored('blobs'), { timeout: 60_000 }).toBeGreaterThan(own + 8);
    const ended = once(victim, 'exit');
    victim.kill('SIGKILL');
    await ended;
    const life = 2000;
    await wait(life + 500);
    expect(await sweep(transport, life)).toHaveLength(1);
    expect(await stranger.stored('blobs')).toBe(own);
    expect(await sweep(transport, life)).toEqual([]);
    expect((await key.read()).data).toEqual(keys.data);
    await transport.close();
    await stranger.end();
  });

  test('grow beyond the memory of the caller', async () => {
    const cluster = await TestCluster.start(2);
    // Keys and values of 512 MB.
    const { written, decoded } = await growthOf({
      create: { servers: cluster.server.url, shardKeys: 65_536, patience: 60_000 },
      ...{ keys: 524_288, heads: 2, depth: 64, steps: 4 },
    });
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(64);
    expect(decoded).toBeLessThan(64);
  });

  test('have gradients of keys and values that stay with their shards', async () => {
    const cluster = await TestCluster.start(3, {}, {}, STORED);
    const small = await TestCluster.start(1);
    const inputs = {
      query: numbers([1, 2, 5, 4], 1),
      key: numbers([1, 2, 48, 4], 2),
      value: numbers([1, 2, 48, 4], 3),
      causal: true,
      alignment: 'bottomRight',
      gradient: true,
    } as const;
    const dOutput = numbers([1, 2, 5, 4], 4);
    const [stored, sent] = await Promise.all(
      [cluster, small].map(async ({ backend }) => {
        const { gradient } = await attention(backend, inputs);
        return gradient(dOutput);
      }),
    );
    for (const name of ['dQuery', 'dKey', 'dValue'] as const) {
      expect(stored![name].data, name).toEqual(sent![name].data);
    }
  });
});

/**
 * A program that measures a cluster of this machine beside one process: decoding and prefill over a long context.
 * Prints a line for each number of workers.
 *
 *   --keys N      default 1,048,576
 *   --rows N      query rows of the prefill, default 2048
 *   --backend B   of the workers, default native
 */
import { parseArgs } from 'node:util';
import {
  type AttentionBackend,
  type BackendProvider,
  type ResidentTensor,
  attention,
  tensor,
} from '@heed/core';
import reference from '@heed/core/reference';
import { TestCluster, numbers } from './cluster.ts';

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1048576' },
    rows: { type: 'string', default: '2048' },
    backend: { type: 'string', default: 'native' },
  },
});
const keys = Number(values.keys);
const rows = Number(values.rows);
const heads = 2;
const depth = 64;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const url = import.meta.resolve(`@heed/backend-${values.backend}`);
const { default: provider } = (await import(url)) as {
  readonly default: BackendProvider<{ threads: number }>;
};

interface Cache {
  readonly key: ResidentTensor;
  readonly value: ResidentTensor;
}

/** Writes caches of all keys, some at a time: the caller never has them as a whole. */
async function filled(backend: AttentionBackend): Promise<Cache> {
  const shape = [1, heads, keys, depth];
  const [key, value] = [await backend.allocate('float32', shape), await backend.allocate('float32', shape)];
  const step = Math.min(keys, 16_384);
  for (let start = 0; start < keys; start += step) {
    await key.write(numbers([1, heads, step, depth], start + 1), { axis: 2, start });
    await value.write(numbers([1, heads, step, depth], start + 2), { axis: 2, start });
  }
  return { key, value };
}

async function median(count: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[count >> 1]!;
}

interface Times {
  readonly decode: number;
  readonly prefill: number;
}

async function timesOf(backend: AttentionBackend, { key, value }: Cache): Promise<Times> {
  const row = numbers([1, heads, 1, depth], 5);
  const many = numbers([1, heads, rows, depth], 6);
  await attention(backend, { query: row, key, value });
  const decode = await median(15, () => attention(backend, { query: row, key, value }));
  const prefill = rows === 0 ? NaN : await median(1, () => attention(backend, { query: many, key, value }));
  return { decode, prefill };
}

/** Returns the largest difference of an output from the float64 reference, over some rows. */
async function errorOf(backend: AttentionBackend, { key, value }: Cache): Promise<number> {
  const query = numbers([1, heads, 1, depth], 5);
  const exact = await reference.create();
  const [plainKey, plainValue] = [await key.read(), await value.read()];
  const near = await attention(backend, { query, key, value });
  const far = await attention(exact, {
    query: tensor(Float64Array.from(query.data), query.shape),
    key: tensor(Float64Array.from(plainKey.data), plainKey.shape),
    value: tensor(Float64Array.from(plainValue.data), plainValue.shape),
  });
  return near.output.data.reduce((worst, x, n) => Math.max(worst, Math.abs(x - far.output.data[n]!)), 0);
}

say(`${keys} keys × ${heads} heads of ${depth}, ${rows} rows of prefill, ${values.backend}`);
const alone: Record<number, Times> = {};
for (const threads of [1, 2]) {
  const backend = await provider.create({ threads });
  const cache = await filled(backend);
  alone[threads] = await timesOf(backend, cache);
  const { decode, prefill } = alone[threads];
  say(
    `one process, ${threads} threads (${backend.device}): decode ${decode.toFixed(2)} ms, prefill ${prefill.toFixed(0)} ms`,
  );
  await backend.dispose();
}
for (const count of [1, 2, 4]) {
  const cluster = await TestCluster.start(
    count,
    { backend: url, backendOptions: { threads: 1 }, life: 3000, acknowledgement: 5000 },
    { shardKeys: Math.ceil(keys / 4), patience: 120_000 },
  );
  const before = process.memoryUsage.rss();
  const cache = await filled(cluster.backend);
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
  const { decode, prefill } = await timesOf(cluster.backend, cache);
  const beside = alone[Math.min(count, 2)]!;
  const { wait, merge, compute } = cluster.runs.at(rows === 0 ? -1 : -2)!;
  say(
    `${count} workers of 1 thread: decode ${decode.toFixed(2)} ms (${(decode / beside.decode).toFixed(2)} × and ` +
      `${(decode - beside.decode).toFixed(2)} ms more than one process), of which compute ${compute.toFixed(2)}, ` +
      `wait ${wait.toFixed(2)}, merge ${merge.toFixed(2)}; prefill ${prefill.toFixed(0)} ms ` +
      `(${(beside.prefill / prefill).toFixed(2)} of its speed); caller grew by ${grown.toFixed(0)} MB while caches were written`,
  );
  if (count === 2)
    say(
      `largest error of a row against float64: ${(await errorOf(cluster.backend, cache)).toExponential(1)}`,
    );
  cache.key.dispose();
  cache.value.dispose();
  await cluster.end();
}
process.exit(0);

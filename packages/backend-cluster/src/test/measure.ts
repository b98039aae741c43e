/**
 * A program that measures a cluster of this machine beside one process: decoding and prefill over a long context, each
 * pair in turns, by medians. It finds the constants of the simulation, and compares what that predicts with the steps
 * of 1, 2 and 4 workers. Rows of the prefill are compared with the float64 reference.
 *
 *   --keys N      default 1,048,576
 *   --rows N      query rows of the prefill, default 2048; 0 leaves it out
 *   --backend B   of the workers, default native
 *   --workers L   numbers of workers, default 1,2,4
 *   --rounds N    prefills of each, default 2
 */
import { parseArgs } from 'node:util';
import { type AttentionBackend, type BackendProvider, type Tensor, attention, tensor } from '@heed/core';
import reference from '@heed/core/reference';
import { growthOf } from './caller-process.ts';
import { type Cache, filled } from './caches.ts';
import { TestCluster, numbers } from './cluster.ts';
import { BYTES_OF_TOKEN, type Constants, stepTime } from './model.ts';

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1048576' },
    rows: { type: 'string', default: '2048' },
    backend: { type: 'string', default: 'native' },
    workers: { type: 'string', default: '1,2,4' },
    rounds: { type: 'string', default: '2' },
  },
});
const keys = Number(values.keys);
const rows = Number(values.rows);
const rounds = Number(values.rounds);
const [heads, depth] = [2, 64];
const size = { keys, heads, depth };
const shardKeys = Math.ceil(keys / 4);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const url = import.meta.resolve(`@heed/backend-${values.backend}`);
const { default: provider } = (await import(url)) as {
  readonly default: BackendProvider<{ threads: number }>;
};

type Work = () => Promise<unknown>;

function middle(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1]!;
}

async function timeOf(work: Work): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Times works in turns, so that what disturbs the machine disturbs all of them. */
async function medians(count: number, works: readonly Work[]): Promise<number[]> {
  const times = works.map((): number[] => []);
  for (let n = 0; n < count; n++) for (const [w, work] of works.entries()) times[w]!.push(await timeOf(work));
  return times.map(middle);
}

const query = { row: numbers([1, heads, 1, depth], 5), rows: numbers([1, heads, rows, depth], 6) };
const over = (backend: AttentionBackend, cache: Cache, rowsOf: Tensor): Work => {
  const work = (): Promise<unknown> => attention(backend, { query: rowsOf, ...cache });
  return work;
};

/** Workers of one thread. */
function clusterOf(count: number, shard: number, rules: { localBytes?: number } = {}): Promise<TestCluster> {
  const worker = { backend: url, backendOptions: { threads: 1 }, life: 3000, acknowledgement: 5000 };
  return TestCluster.start(count, worker, { shardKeys: shard, patience: 120_000 }, rules);
}

/** Measures the messages: steps of one worker over shards with nothing to compute, of which there are more and more. */
async function messages(): Promise<Pick<Constants, 'message' | 'handling' | 'merge'>> {
  const cluster = await clusterOf(1, 64, { localBytes: 0 });
  const points: { readonly shards: number; readonly time: number; readonly merge: number }[] = [];
  for (const shards of [1, 16, 64]) {
    const cache = await filled(cluster.backend, { ...size, keys: 64 * shards });
    const step = over(cluster.backend, cache, query.row);
    for (let n = 0; n < 10; n++) await step();
    const [time] = await medians(31, [step]);
    points.push({ shards, time: time!, merge: middle(cluster.runs.slice(-31).map(({ merge }) => merge)) });
    cache.key.dispose();
    cache.value.dispose();
  }
  await cluster.end();
  const [first, , last] = points as [(typeof points)[0], unknown, (typeof points)[0]];
  const merge = last.merge / last.shards;
  const handling = (last.time - first.time) / (last.shards - first.shards) - merge;
  return { message: first.time - first.merge, handling, merge };
}

/** Returns the largest difference of some rows of an output from the float64 reference, over one head at a time. */
async function errorOf(output: Tensor, { key, value }: Cache): Promise<number> {
  const exact = await reference.create();
  const [plainKey, plainValue] = [await key.read(), await value.read()];
  const count = output.shape[2]!;
  const all = count === 1 ? query.row : query.rows;
  const sampled = [...new Set([0, 1, count >> 2, count >> 1, count - 2, count - 1])].filter(
    (i) => i >= 0 && i < count,
  );
  let worst = 0;
  for (let h = 0; h < heads; h++) {
    const of = ({ data }: Tensor, length: number, indices: readonly number[] | null): Tensor => {
      const head = data.subarray(h * length * depth, (h + 1) * length * depth);
      const picked = indices?.flatMap((i) => [...head.subarray(i * depth, (i + 1) * depth)]) ?? head;
      return tensor(Float64Array.from(picked), [1, 1, indices?.length ?? length, depth]);
    };
    const far = await attention(exact, {
      query: of(all, count, sampled),
      key: of(plainKey, keys, null),
      value: of(plainValue, keys, null),
    });
    const near = of(output, count, sampled);
    near.data.forEach((x, n) => (worst = Math.max(worst, Math.abs(x - far.output.data[n]!))));
  }
  return worst;
}

say(
  `${keys} keys × ${heads} heads of ${depth}, ${rows} rows of prefill, ${values.backend}, Node ${process.version}`,
);
const alone: { readonly backend: AttentionBackend; readonly cache: Cache }[] = [];
for (const threads of [1, 2]) {
  const backend = await provider.create({ threads });
  alone.push({ backend, cache: await filled(backend, size) });
}
const steps = alone.map(({ backend, cache }) => over(backend, cache, query.row));
for (const step of steps) await step();
const [one, two] = (await medians(15, steps)) as [number, number];
say(`one process: decode ${one.toFixed(2)} ms with 1 thread, ${two.toFixed(2)} ms with 2`);
const told = await messages();
const bytes = keys * BYTES_OF_TOKEN;
let network = NaN;

for (const count of values.workers.split(',').map(Number)) {
  const cluster = await clusterOf(count, shardKeys);
  const cache = await filled(cluster.backend, size);
  const step = over(cluster.backend, cache, query.row);
  const first = await timeOf(step);
  // All workers fetch at once: what one fetches in a second is its share.
  if (Number.isNaN(network)) network = (1000 * bytes) / first / count;
  for (let n = 0; n < 3; n++) await step();
  const threads = Math.min(count, 2);
  const beside = alone[threads - 1]!;
  const [process1, workers] = (await medians(15, [steps[threads - 1]!, step])) as [number, number];
  const runs = cluster.runs.slice(-15);
  const part = (name: 'compute' | 'wait' | 'merge'): string =>
    middle(runs.map((run) => run[name])).toFixed(2);
  // Of the same minute, since a machine that is shared changes its speed.
  const [own, together] = threads === 1 ? [process1, two] : [one, process1];
  const constants = { bandwidth: bytes / own / 1e-3, machine: bytes / together / 1e-3, network, ...told };
  const predicted = stepTime(constants, { tokens: keys, workers: count, shardKeys });
  say(
    `${count} workers of 1 thread beside one process of ${threads}: decode ${workers.toFixed(2)} ms, ${process1.toFixed(2)} ms ` +
      `(${(workers / process1).toFixed(2)} ×, ${(workers - process1).toFixed(2)} ms more; predicted ${predicted.toFixed(2)} ms); ` +
      `compute ${part('compute')}, wait ${part('wait')}, merge ${part('merge')}; first step ${first.toFixed(0)} ms`,
  );
  if (rows > 0) {
    const many = over(cluster.backend, cache, query.rows);
    const [process2, prefill] = (await medians(rounds, [
      over(beside.backend, beside.cache, query.rows),
      many,
    ])) as [number, number];
    say(
      `  prefill ${prefill.toFixed(0)} ms, ${process2.toFixed(0)} ms (${(process2 / prefill).toFixed(2)} of its speed)`,
    );
  }
  if (count === 2) {
    const { output } = await attention(cluster.backend, {
      query: rows > 0 ? query.rows : query.row,
      ...cache,
    });
    say(
      `  largest error of sampled rows against float64: ${(await errorOf(output, beside.cache)).toExponential(1)}`,
    );
    const create = { servers: cluster.server.url, shardKeys, patience: 120_000 };
    const { written, decoded } = await growthOf({ create, ...size, steps: 10 });
    say(
      `  a caller's memory grew by ${written.toFixed(0)} MB while it wrote the caches, ${decoded.toFixed(0)} MB with ten steps`,
    );
  }
  cache.key.dispose();
  cache.value.dispose();
  await cluster.end();
  if (count === 1)
    say(
      `constants: ${Object.entries(constants)
        .map(([name, value]) => `--${name} ${value.toPrecision(3)}`)
        .join(' ')}`,
    );
}
process.exit(0);

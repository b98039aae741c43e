import { type AttentionBackend, type Tensor, attention, tensor } from '@heed/core';
import type { ClusterOptions } from '../index.ts';
import { clusterProvider } from '../provider.ts';
import type { ClusterRules } from '../backend.ts';
import type { RunMetrics } from '../run/metrics.ts';
import type { WorkerOptions } from '../worker/index.ts';
import { TestServer } from './server.ts';
import { WorkerProcess } from './workers.ts';

/** Address of the module `trapped-backend.ts`. */
export const TRAPPED: string = new URL('../../dist/test/trapped-backend.js', import.meta.url).href;

/** Short waits, so that losses are soon noticed. */
export const HASTY = { life: 600, acknowledgement: 800, deliveries: 4 } as const;

/** A server and workers of this machine, and a backend on them. */
export class TestCluster {
  static readonly #all = new Set<TestCluster>();

  readonly server: TestServer;
  readonly workers: WorkerProcess[];
  readonly runs: RunMetrics[] = [];
  readonly #settings: Partial<WorkerOptions>;
  backend!: AttentionBackend;

  private constructor(server: TestServer, workers: WorkerProcess[], settings: Partial<WorkerOptions>) {
    this.server = server;
    this.workers = workers;
    this.#settings = settings;
  }

  static async start(
    count: number,
    worker: Partial<WorkerOptions> = {},
    options: ClusterOptions = {},
    rules: Partial<ClusterRules> = {},
  ): Promise<TestCluster> {
    const server = await TestServer.start();
    const settings = { servers: server.url, backend: TRAPPED, ...HASTY, ...worker };
    const cluster = new TestCluster(server, await WorkerProcess.many(count, settings), settings);
    TestCluster.#all.add(cluster);
    await cluster.connect(options, rules);
    return cluster;
  }

  /** Ends all that exist, in whatever state. */
  static async endAll(): Promise<void> {
    await Promise.all([...TestCluster.#all].map((cluster) => cluster.end()));
  }

  /** Makes the backend, in place of the present one. */
  async connect(options: ClusterOptions = {}, rules: Partial<ClusterRules> = {}): Promise<void> {
    this.backend = await clusterProvider(rules).create({
      servers: this.server.url,
      shardKeys: 8,
      patience: 8000,
      onRun: (metrics) => this.runs.push(metrics),
      ...options,
    });
  }

  async join(): Promise<WorkerProcess> {
    const worker = await WorkerProcess.start(this.#settings);
    this.workers.push(worker);
    return worker;
  }

  async end(): Promise<void> {
    TestCluster.#all.delete(this);
    await this.backend?.dispose();
    await Promise.all(this.workers.map((worker) => worker.end()));
    await this.server.end();
  }
}

/** Numbers that look random and are the same each time. */
export function numbers(shape: readonly number[], seed: number = 1): Tensor<'float32'> {
  const size = shape.reduce((product, length) => product * length, 1);
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return tensor(Float32Array.from({ length: size }, next), shape);
}

/** A request of six shards of 8 keys. */
export function request(seed: number = 1, first?: number): { query: Tensor; key: Tensor; value: Tensor } {
  const query = numbers([1, 2, 3, 4], seed);
  if (first !== undefined) query.data[0] = first;
  return { query, key: numbers([1, 2, 48, 4], seed + 1), value: numbers([1, 2, 48, 4], seed + 2) };
}

/** The output's numbers, to be compared bit by bit. */
export async function bits(
  backend: AttentionBackend,
  given: ReturnType<typeof request>,
  signal?: AbortSignal,
): Promise<string> {
  const { output } = await attention(backend, given, signal && { signal });
  return Buffer.from(output.data.buffer).toString('hex');
}

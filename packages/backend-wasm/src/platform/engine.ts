import { HeedError } from '@heed/core';
import { Heap } from '../memory/heap.ts';
import { MAXIMUM_THREADS, type WasmOptions } from '../options.ts';
import type { PlanOptions } from '../plan/plan.ts';
import { Queue } from './threads/queue.ts';
import { platformSpawn } from './threads/spawn.ts';
import { type Second, Team } from './threads/team.ts';
import { hasRelaxedSimd, hasSharedMemory } from './features.ts';
import { ModuleCache } from './modules.ts';
import { availableThreads } from './node.ts';
import { joinsVectors } from './wide.ts';

/** Engine of a backend: memory, threads, and their modules. */
export interface Engine {
  readonly device: string;
  readonly planOptions: PlanOptions;
  readonly heap: Heap;
  readonly team: Team;
  readonly modules: ModuleCache;
  /** Calls compute one after another, each with all threads. */
  readonly queue: Queue;
}

/** @throws HeedError `UNAVAILABLE` when more than one thread, or workers from an address, are requested but not available. */
export async function startEngine({ threads, relaxedSimd = 'auto', worker }: WasmOptions): Promise<Engine> {
  const { heap, team } =
    threads === undefined ? await availableTeam(worker) : await withThreads(threads, worker);
  const relaxed = relaxedSimd === 'auto' && hasRelaxedSimd();
  const wide = joinsVectors();
  return {
    device: `WebAssembly, ${relaxed ? 'relaxed ' : ''}SIMD${wide ? ' in 256 bits' : ''}, ${team.threads} thread${team.threads === 1 ? '' : 's'}`,
    planOptions: { shared: heap.shared, relaxedSimd: relaxed, wide },
    heap,
    team,
    modules: new ModuleCache(heap.memory, (id) => team.forget(id)),
    queue: new Queue(),
  };
}

type Threads = Pick<Engine, 'heap' | 'team'>;

/** Timer of workers from an address. A machine that sleeps misses seconds, and counts none of them. */
const everySecond: Second = (onSecond) => {
  const timer = setInterval(onSecond, 1000);
  return () => clearInterval(timer);
};

/**
 * Starts as many threads as run at the same time, or one if workers are not available; the device tells. Workers from an
 * address were asked for: if they are not available, that is an error.
 */
async function availableTeam(worker: WasmOptions['worker']): Promise<Threads> {
  const threads = hasSharedMemory() ? Math.min(availableThreads(), MAXIMUM_THREADS) : 1;
  if (threads === 1) return withThreads(1);
  const team = withThreads(threads, worker);
  return worker === undefined ? team.catch(() => withThreads(1)) : team;
}

async function withThreads(threads: number, worker?: WasmOptions['worker']): Promise<Threads> {
  if (threads > 1 && !hasSharedMemory()) {
    throw new HeedError(
      'UNAVAILABLE',
      `${threads} threads require shared memory, which is not allowed here`,
      {
        remedy:
          'serve the page with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or set threads: 1',
      },
    );
  }
  const heap = new Heap(threads > 1);
  const second = worker === undefined ? undefined : everySecond;
  return { heap, team: await Team.start(heap.memory, threads, platformSpawn(worker), second) };
}

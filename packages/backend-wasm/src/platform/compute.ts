import { type Blocks, type Forms, filledBy, withBlocks } from '../memory/blocks.ts';
import type { WasmTensor } from '../memory/wasm-tensor.ts';
import type { Phase } from '../plan/plan.ts';
import type { Engine } from './engine.ts';
import type { ModuleLease } from './modules.ts';
import type { TaskFunction } from './threads/job.ts';
import { runTask } from './threads/team.ts';

/** Work below this part of what is worth another thread is over before its way through the queue would be. */
const DIRECT = 1 / 8;

/** Phases of a module, and the memory that they need besides tensors. */
export interface Work {
  readonly lease: ModuleLease;
  readonly phases: readonly Phase[];
  readonly frameBytes: number;
  /** Bytes of scratch that all threads share, and of each thread. Default 0. */
  readonly sharedBytes?: number;
  readonly scratchBytes?: number;
  /** Amount of work, in units before whose end another thread is awake. */
  readonly amount: number;
}

/** Writes the frame, whose address is a multiple of 64. */
export type Fill<K extends string> = (
  addresses: { readonly frame: number; readonly shared: number },
  results: Readonly<Record<K, WasmTensor>>,
  blocks: Blocks,
) => void;

/** Threads besides the calling one that take part. */
export function helpersOf({ team }: Engine, { phases, amount }: Pick<Work, 'phases' | 'amount'>): number {
  return amount < 1 ? 0 : team.helpersFor(Math.max(1, ...phases.map(({ tasks }) => tasks)));
}

/**
 * Computes new tensors: in its turn with all threads, or at once on the calling thread, if there is little to do.
 */
export function compute<K extends string>(
  engine: Engine,
  work: Work,
  forms: Forms<K>,
  fill: Fill<K>,
  signal: AbortSignal | undefined,
): Promise<Record<K, WasmTensor>> {
  const { heap, team, queue } = engine;
  const { lease, phases, frameBytes, sharedBytes = 0, scratchBytes = 0 } = work;
  const { module } = lease;
  const helpers = helpersOf(engine, work);
  const isDirect = work.amount < DIRECT;
  const run = (): Promise<Record<K, WasmTensor>> =>
    filledBy(heap, forms, (results) =>
      withBlocks(heap, async (blocks) => {
        signal?.throwIfAborted();
        const scratchStride = aligned(scratchBytes);
        const frame = blocks.allocate(
          aligned(frameBytes) + aligned(sharedBytes) + (1 + helpers) * scratchStride,
        );
        const shared = frame + aligned(frameBytes);
        const scratch = shared + aligned(sharedBytes);
        fill({ frame, shared }, results, blocks);
        const job = { module, phases, frame, scratch, scratchStride };
        if (!isDirect) return team.run(job, helpers, signal);
        for (const { export: name, firstTask, tasks } of phases) {
          const task = module.instance.exports[name] as unknown as TaskFunction;
          for (let n = 0; n < tasks; n++) runTask(task, firstTask + n, job);
        }
      }),
    );
  return isDirect ? run() : queue.run(run, signal);
}

/** Bytes in whole cache lines. */
function aligned(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

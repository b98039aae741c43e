import { HeedError, type Tensor } from '@heed/core';
import { Bench } from 'tinybench';
import type { Contestant, PreparedContestant } from './contestant.ts';
import { type Expectation, faultOf } from './expectation.ts';
import type { Workload, WorkloadRequest } from './workload.ts';

/** A contestant that may not be timed, and why. */
export interface Refusal {
  readonly status: 'unavailable' | 'unsupported' | 'failed' | 'wrong';
  readonly device: string | null;
  readonly threads: number | null;
  readonly reason: string;
  readonly remedy?: string;
}

/** A contestant whose result was found right, ready to be timed in turns. */
export interface Ready {
  readonly status: 'ready';
  readonly device: string;
  readonly threads: number | null;
  /** Runs again and again for about so many milliseconds, once at least. The time of each run, in milliseconds. */
  turn(milliseconds: number): Promise<readonly number[]>;
  dispose(): Promise<void>;
}

/** Prepares a contestant and checks its first result. Never throws: what goes wrong is the contestant's refusal. */
export async function enter(
  contestant: Contestant,
  workload: Workload,
  request: WorkloadRequest,
  expectation: Expectation,
): Promise<Ready | Refusal> {
  const nowhere = { device: null, threads: null };
  try {
    const availability = await contestant.probe();
    if (!availability.available) {
      return { status: 'unavailable', ...nowhere, reason: availability.reason, remedy: availability.remedy };
    }
    const prepared = await contestant.prepare(workload, request);
    return await checked(prepared, workload, expectation);
  } catch (error) {
    return { ...nowhere, ...refusalOf(error) };
  }
}

async function checked(
  prepared: PreparedContestant,
  workload: Workload,
  expectation: Expectation,
): Promise<Ready | Refusal> {
  const { device, threads } = prepared;
  try {
    const fault = faultOf(workload, expectation, await prepared.run());
    if (fault === null) {
      return {
        status: 'ready',
        device,
        threads,
        turn: (milliseconds) => turn(prepared.run, milliseconds),
        dispose: prepared.dispose,
      };
    }
    await prepared.dispose();
    return { status: 'wrong', device, threads, reason: fault };
  } catch (error) {
    await prepared.dispose().catch(() => undefined);
    return { device, threads, ...refusalOf(error) };
  }
}

/** What an error says about the contestant that threw it. */
export function refusalOf(error: unknown): Pick<Refusal, 'status' | 'reason' | 'remedy'> {
  if (!HeedError.isInstance(error)) return { status: 'failed', reason: String(error) };
  const status = { UNSUPPORTED: 'unsupported', UNAVAILABLE: 'unavailable' }[error.code as string] ?? 'failed';
  return {
    status: status as Refusal['status'],
    reason: error.message,
    ...(error.remedy !== undefined && { remedy: error.remedy }),
  };
}

async function turn(run: () => Promise<Tensor>, milliseconds: number): Promise<readonly number[]> {
  const bench = new Bench({ time: milliseconds, iterations: 1, warmup: false, retainSamples: true, throws: true });
  bench.add('turn', run, { async: true });
  const [task] = await bench.run();
  if (task?.result.state !== 'completed') throw new Error(`tinybench ended in state ${task?.result.state}`);
  return task.result.latency.samples!;
}

import { HeedError, type Tensor } from '@heed/core';
import { Bench } from 'tinybench';
import type { Contestant, PreparedContestant } from './contestant.ts';
import { type Exercise, faultOf } from './exercise.ts';

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
export async function enter(contestant: Contestant, exercise: Exercise): Promise<Ready | Refusal> {
  try {
    const absent = await absenceOf(contestant);
    if (absent !== null) return absent;
    const prepared = await contestant.prepare(exercise.workload, exercise.request);
    return await checked(prepared, exercise);
  } catch (error) {
    return refusalOf(error);
  }
}

/** The refusal of a contestant that cannot run here; null of one that can. */
export async function absenceOf(contestant: Contestant): Promise<Refusal | null> {
  const availability = await contestant.probe();
  if (availability.available) return null;
  const { reason, remedy } = availability;
  return { status: 'unavailable', device: null, threads: null, reason, remedy };
}

async function checked(prepared: PreparedContestant, exercise: Exercise): Promise<Ready | Refusal> {
  const { device, threads } = prepared;
  try {
    const fault = faultOf(exercise, await prepared.run());
    if (fault === null) {
      return {
        status: 'ready',
        device,
        threads,
        turn: (milliseconds) => turn(() => prepared.run(), milliseconds),
        dispose: () => prepared.dispose(),
      };
    }
    await prepared.dispose();
    return { status: 'wrong', device, threads, reason: fault };
  } catch (error) {
    await prepared.dispose().catch(() => undefined);
    return refusalOf(error, prepared);
  }
}

/** What an error says about the contestant that threw it, on the device where it did. */
export function refusalOf(
  error: unknown,
  { device, threads }: Pick<Refusal, 'device' | 'threads'> = { device: null, threads: null },
): Refusal {
  if (!HeedError.isInstance(error)) return { status: 'failed', device, threads, reason: String(error) };
  const { code, message: reason, remedy } = error;
  const status = code === 'UNSUPPORTED' ? 'unsupported' : code === 'UNAVAILABLE' ? 'unavailable' : 'failed';
  return { status, device, threads, reason, ...(remedy !== undefined && { remedy }) };
}

async function turn(run: () => Promise<Tensor>, milliseconds: number): Promise<readonly number[]> {
  const bench = new Bench({
    time: milliseconds,
    iterations: 1,
    warmup: false,
    retainSamples: true,
    throws: true,
  });
  bench.add('turn', run, { async: true });
  const [task] = await bench.run();
  if (task?.result.state !== 'completed') throw new Error(`tinybench ended in state ${task?.result.state}`);
  return task.result.latency.samples!;
}

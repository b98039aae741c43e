import { setTimeout } from 'node:timers/promises';
import { type ContestantProcess, startProcess } from '../process/contestant-process.ts';
import type { Entered, Refusal } from '../process/protocol.ts';
import type { ContestantSource } from '../process/source.ts';
import { type Exercise, faultOf } from '../workload/exercise.ts';
import type { Workload } from '../workload/workload.ts';
import type { Entrant, Ready } from './race.ts';

export interface EntryOptions {
  /** Threads that contestants are asked to compute with. */
  readonly threads: number;
  /** Time limit to get ready, and for a turn beyond the time of the first run. */
  readonly limitMs: number;
}

/** Pause after a turn, until threads that wait actively for more work have gone to sleep. */
export const REST_MS = 10;

/** A contestant as an entrant, in a process of its own. */
export function entrantOf(source: ContestantSource, workload: Workload, options: EntryOptions): Entrant {
  return {
    contestant: source.name,
    workload,
    enter: (exercise, signal) => enter(source, exercise, options, signal),
  };
}

async function enter(
  source: ContestantSource,
  exercise: Exercise,
  { threads, limitMs }: EntryOptions,
  signal?: AbortSignal,
): Promise<Ready | Refusal> {
  const started = performance.now();
  const running = startProcess(threads);
  try {
    const { workload } = exercise;
    const reply = await running.ask({ kind: 'enter', source, workload, threads }, limitMs, signal);
    const checked =
      reply.status === 'entered' ? await check(running, reply, exercise, limitMs) : (reply as Refusal);
    if (checked.status === 'ready') {
      return { ...checked, startMs: performance.now() - started - checked.firstRunMs };
    }
    await running.end();
    return checked;
  } catch (error) {
    await running.end();
    throw error;
  }
}

async function check(
  running: ContestantProcess,
  { device, threads, results, firstRunMs, memory }: Entered,
  exercise: Exercise,
  limitMs: number,
): Promise<Omit<Ready, 'startMs'> | Refusal> {
  const fault = await faultOf(exercise, results);
  if (fault !== null) return { status: 'wrong', device, threads, reason: fault };
  return {
    status: 'ready',
    device,
    threads,
    firstRunMs,
    memory,
    async turn(milliseconds, signal) {
      const limit = limitMs + milliseconds + 3 * firstRunMs;
      const reply = await running.ask({ kind: 'turn', milliseconds }, limit, signal);
      await setTimeout(REST_MS);
      return reply.status === 'turn taken' ? reply : { ...(reply as Refusal), device, threads };
    },
    end: () => running.end(),
  };
}

import { setImmediate } from 'node:timers/promises';
import type { Contestant } from './contestant.ts';
import { type Ready, type Refusal, enter, refusalOf } from './entry.ts';
import { type Exercise, exerciseOf } from './exercise.ts';
import { median } from './statistics.ts';
import type { Workload } from './workload.ts';

/** One contestant on one workload. */
export interface Entrant {
  readonly contestant: Contestant;
  readonly workload: Workload;
}

export interface RaceOptions {
  /** Times that each entrant has its turn. Default 7. */
  readonly rounds?: number;
  /** Length of a turn in milliseconds; a slower run is one turn by itself. Default 100. */
  readonly turnMs?: number;
  /** Ends the race after the turn under way; what was measured is kept. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What happens next. */
export interface Progress {
  readonly workload: string;
  readonly contestant: string;
  readonly phase: 'checking' | 'warming up' | 'measuring';
  /** Of the whole measurement, 0 to 1. */
  readonly done: number;
}

/** How an entrant fared. */
export interface Finish {
  readonly status: 'measured' | 'stopped' | Refusal['status'];
  readonly device: string | null;
  readonly threads: number | null;
  /** Median time of a run in each round that was completed, in milliseconds. */
  readonly roundsMs: readonly number[];
  readonly reason?: string;
  readonly remedy?: string;
}

interface Runner {
  readonly entrant: Entrant;
  readonly roundsMs: number[];
  state: Ready | Refusal;
}

/**
 * Times entrants in rounds. In each round each has one turn, so that noise of the machine hits all alike; the order
 * shifts by one from round to round, so that none is always first. Garbage is not collected by force between turns:
 * that throws optimised code away as well, and slows down some contestants far more than others.
 */
export async function race(entrants: readonly Entrant[], options: RaceOptions = {}): Promise<Finish[]> {
  const { rounds = 7, turnMs = 100, signal, onProgress } = options;
  const announce = async (entrant: Entrant, phase: Progress['phase'], stage: number): Promise<void> => {
    const { contestant, workload } = entrant;
    onProgress?.({ workload: workload.name, contestant: contestant.name, phase, done: stage / (rounds + 2) });
    // Computing blocks the event loop: let signals, timers and spinners have their say between turns.
    await setImmediate();
  };

  const runners: Runner[] = [];
  try {
    const exercises = new Map<string, Exercise>();
    for (const entrant of entrants) {
      if (signal?.aborted) break;
      await announce(entrant, 'checking', 0);
      const { contestant, workload } = entrant;
      if (!exercises.has(workload.name)) exercises.set(workload.name, exerciseOf(workload));
      const state = await enter(contestant, exercises.get(workload.name)!);
      runners.push({ entrant, state, roundsMs: [] });
    }
    // Round −1 warms up: code is compiled, memory is had.
    for (let round = -1; round < rounds; round++) {
      for (const index of roundOrder(runners.length, round)) {
        if (signal?.aborted) break;
        const runner = runners[index]!;
        if (runner.state.status !== 'ready') continue;
        await announce(runner.entrant, round < 0 ? 'warming up' : 'measuring', round + 2);
        const samples = await takeTurn(runner, runner.state, turnMs);
        if (round >= 0 && samples.length > 0) runner.roundsMs.push(median(samples));
      }
    }
    return entrants.map((_, index) => finishOf(runners[index]));
  } finally {
    // What was measured stands, even if somebody cannot clean up.
    await Promise.allSettled(runners.map(({ state }) => state.status === 'ready' && state.dispose()));
  }
}

/** The order of turns in a round: that of the entrants, begun one place further in each round. */
export function roundOrder(count: number, round: number): number[] {
  return Array.from({ length: count }, (_, place) => (place + round + count) % count);
}

/** The samples of one turn; none of an entrant that drops out here. */
async function takeTurn(runner: Runner, ready: Ready, turnMs: number): Promise<readonly number[]> {
  try {
    return await ready.turn(turnMs);
  } catch (error) {
    runner.state = refusalOf(error, ready);
    await ready.dispose().catch(() => undefined);
    return [];
  }
}

function finishOf(runner: Runner | undefined): Finish {
  const nothing = {
    status: 'stopped' as const,
    device: null,
    threads: null,
    roundsMs: [],
    reason: 'stopped early',
  };
  if (runner === undefined) return nothing;
  const { state, roundsMs } = runner;
  const { device, threads } = state;
  if (state.status === 'ready') {
    return roundsMs.length > 0
      ? { status: 'measured', device, threads, roundsMs }
      : { ...nothing, device, threads };
  }
  const { status, reason, remedy } = state;
  return { status, device, threads, roundsMs: [], reason, ...(remedy !== undefined && { remedy }) };
}

import { setImmediate } from 'node:timers/promises';
import type { Contestant } from './contestant.ts';
import { type Ready, type Refusal, enter, refusalOf } from './entry.ts';
import { type Expectation, expectationOf } from './expectation.ts';
import { collectGarbage } from './garbage.ts';
import { median } from './statistics.ts';
import { type Workload, type WorkloadRequest, requestOf } from './workload.ts';

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
 * shifts by one from round to round, so that none always follows the same heavy neighbour from the same place.
 */
export async function race(entrants: readonly Entrant[], options: RaceOptions = {}): Promise<Finish[]> {
  const { rounds = 7, turnMs = 100, signal, onProgress } = options;
  const steps = entrants.length * (rounds + 2);
  let step = 0;
  const announce = async ({ contestant, workload }: Entrant, phase: Progress['phase']): Promise<void> => {
    onProgress?.({ workload: workload.name, contestant: contestant.name, phase, done: step++ / steps });
    // Computing blocks the event loop: let signals, timers and spinners have their say between turns.
    await setImmediate();
  };

  const runners: Runner[] = [];
  try {
    const prepared = new Map<string, { request: WorkloadRequest; expectation: Expectation }>();
    for (const entrant of entrants) {
      if (signal?.aborted) break;
      await announce(entrant, 'checking');
      const { request, expectation } = preparedOnce(prepared, entrant.workload);
      const state = await enter(entrant.contestant, entrant.workload, request, expectation);
      runners.push({ entrant, state, roundsMs: [] });
    }
    for (const runner of runners) {
      if (signal?.aborted) break;
      await announce(runner.entrant, 'warming up');
      await takeTurn(runner, turnMs);
    }
    for (let round = 0; round < rounds; round++) {
      for (const index of roundOrder(runners.length, round)) {
        if (signal?.aborted) break;
        const runner = runners[index]!;
        await announce(runner.entrant, 'measuring');
        const samples = await takeTurn(runner, turnMs);
        if (samples.length > 0) runner.roundsMs.push(median(samples));
      }
    }
    return entrants.map((_, index) => finishOf(runners[index]));
  } finally {
    for (const { state } of runners) if (state.status === 'ready') await state.dispose();
  }
}

/** The order of turns in a round: that of the entrants, begun one place further in each round. */
export function roundOrder(count: number, round: number): number[] {
  return Array.from({ length: count }, (_, place) => (place + round) % count);
}

function preparedOnce(
  prepared: Map<string, { request: WorkloadRequest; expectation: Expectation }>,
  workload: Workload,
): { request: WorkloadRequest; expectation: Expectation } {
  let found = prepared.get(workload.name);
  if (found === undefined) {
    const request = requestOf(workload);
    found = { request, expectation: expectationOf(workload, request) };
    prepared.set(workload.name, found);
  }
  return found;
}

/** The samples of one turn; none of an entrant that is out, or drops out here. */
async function takeTurn(runner: Runner, turnMs: number): Promise<readonly number[]> {
  if (runner.state.status !== 'ready') return [];
  const ready = runner.state;
  collectGarbage();
  try {
    return await ready.turn(turnMs);
  } catch (error) {
    runner.state = { device: ready.device, threads: ready.threads, ...refusalOf(error) };
    await ready.dispose().catch(() => undefined);
    return [];
  }
}

function finishOf(runner: Runner | undefined): Finish {
  const nothing = { status: 'stopped' as const, device: null, threads: null, roundsMs: [], reason: 'stopped early' };
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

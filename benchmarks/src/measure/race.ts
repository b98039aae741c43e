import { type Exercise, exerciseOf } from '../workload/exercise.ts';
import type { MemoryUse } from '../process/resident-set.ts';
import type { Refusal, TurnTaken } from '../process/protocol.ts';
import type { Workload } from '../workload/workload.ts';
import { mean, median } from './statistics.ts';

/** A contestant whose results were found right, ready to be timed in turns. */
export interface Ready {
  readonly status: 'ready';
  readonly device: string;
  readonly threads: number | null;
  readonly firstRunMs: number;
  /** Time until the first run began and its results were checked: the process, its libraries, its inputs. */
  readonly startMs: number;
  readonly memory: MemoryUse;
  /** Runs repeatedly for about so many milliseconds, at least once. */
  turn(milliseconds: number, signal?: AbortSignal): Promise<TurnTaken | Refusal>;
  end(): Promise<void>;
}

/** One contestant on one workload. */
export interface Entrant {
  readonly contestant: string;
  readonly workload: Workload;
  /** Time that it may take from its first run on, in milliseconds; it always gets two rounds. Default: no limit. */
  readonly shareMs?: number;
  /** Gets ready in a process of its own and has its first results checked. Throws for the signal only. */
  enter(exercise: Exercise, signal?: AbortSignal): Promise<Ready | Refusal>;
}

export interface RaceOptions {
  /** Number of turns of each entrant, if there is time. Default 11. */
  readonly rounds?: number | undefined;
  /** Length of a turn in milliseconds; a slower run is one turn by itself. Default 40. */
  readonly turnMs?: number | undefined;
  /** Time of `performance.now()` after which nobody enters and one round is enough. Default: never. */
  readonly end?: number | undefined;
  /** Measures the peak of the processor at the start of each round, in operations per nanosecond. */
  readonly peak?: (() => Promise<number>) | undefined;
  /** Ends the race at once; what was measured is kept. */
  readonly signal?: AbortSignal | undefined;
  /** Called as the race goes on. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Next step of a race. */
export interface Progress {
  readonly workload: string;
  readonly contestant: string;
  readonly phase: 'checking' | 'warming up' | 'measuring';
  /** Part of the whole measurement that is done, 0 to 1. */
  readonly done: number;
}

/** Outcome of an entrant. */
export interface Finish {
  readonly status: 'measured' | 'stopped' | 'too slow' | Refusal['status'];
  readonly device: string | null;
  readonly threads: number | null;
  readonly memory: MemoryUse | null;
  /** Time of the first run, and of everything before it; null if there was none. */
  readonly firstRunMs: number | null;
  readonly startMs: number | null;
  /** Median time of a run in each round that was completed, in milliseconds. */
  readonly roundsMs: readonly number[];
  /** Mean time of a run in each round, without the time that its main thread waited for a processor that others had. */
  readonly undisturbedMs: readonly number[];
  /** The times behind each of them. */
  readonly samplesMs: readonly (readonly number[])[];
  readonly reason?: string;
  readonly remedy?: string;
  /** Set if its process did not answer in time. */
  readonly hung?: true;
}

export interface RaceResult {
  /** Outcome of each entrant. */
  readonly finishes: readonly Finish[];
  /** The peak in each round; empty when nobody measured it. */
  readonly peakGflops: readonly number[];
}

export const MIN_ROUNDS = 2;
export const ROUNDS = 11;
export const TURN_MS = 40;
/** The turn before all others is this many times as long: engines compile hot code in several steps. */
export const WARM_UP_TURNS = 4;
/** One whose first run takes longer has warmed up with it. */
export const WARM_AFTER_MS = 1000;

interface Runner {
  readonly entrant: Entrant;
  readonly turns: TurnTaken[];
  /** Time since the first run, it included. */
  spentMs: number;
  lastTurnMs: number;
  state:
    | Ready
    | Refusal
    | { readonly status: 'too slow'; readonly ready: Ready; readonly reason: string }
    | null;
}

/**
 * Times entrants in rounds. In each round each has one turn, so that noise of the machine hits all alike; the order
 * shifts by one from round to round, so that none is always first.
 */
export async function race(entrants: readonly Entrant[], options: RaceOptions = {}): Promise<RaceResult> {
  const runners = entrants.map((entrant): Runner => ({
    entrant,
    turns: [],
    spentMs: 0,
    lastTurnMs: 0,
    state: null,
  }));
  const peakGflops: number[] = [];
  try {
    await enterAll(runners, options);
    await runRounds(runners, peakGflops, options);
  } catch (error) {
    // Keep what was measured.
    if (!options.signal?.aborted) throw error;
  } finally {
    await Promise.all(runners.map(({ state }) => state?.status === 'ready' && state.end()));
  }
  const whyNot = options.signal?.aborted ? STOPPED : USED_UP;
  return { finishes: runners.map((runner) => finishOf(runner, whyNot)), peakGflops };
}

/** Outcome of entrants that never had a turn. */
const STOPPED = { status: 'stopped', reason: 'stopped early' } as const;
const USED_UP = { status: 'too slow', reason: 'the budget is used up' } as const;

async function enterAll(runners: readonly Runner[], options: RaceOptions): Promise<void> {
  const exercises = new Map<string, Exercise>();
  for (const [place, runner] of runners.entries()) {
    const { entrant } = runner;
    options.signal?.throwIfAborted();
    if (performance.now() > (options.end ?? Infinity)) continue;
    announce(options, entrant, 'checking', place / runners.length / 2);
    const exercise = exercises.get(entrant.workload.name) ?? exerciseOf(entrant.workload);
    exercises.set(entrant.workload.name, exercise);
    runner.state = await entrant.enter(exercise, options.signal);
    if (runner.state.status === 'ready') await dropIfSlow(runner, runner.state);
  }
}

async function dropIfSlow(runner: Runner, ready: Ready): Promise<void> {
  const { shareMs = Infinity } = runner.entrant;
  runner.spentMs = ready.firstRunMs;
  const neededMs = ready.firstRunMs * MIN_ROUNDS;
  if (neededMs <= shareMs) return;
  const reason = `one run takes ${inSeconds(ready.firstRunMs)}; ${MIN_ROUNDS} would be over its share of ${inSeconds(shareMs)}`;
  runner.state = { status: 'too slow', ready, reason };
  await ready.end();
}

/** A time in readable units. */
export function inSeconds(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  return `${seconds < 10 ? seconds.toPrecision(2) : seconds.toFixed(0)} s`;
}

async function runRounds(
  runners: readonly Runner[],
  peakGflops: number[],
  options: RaceOptions,
): Promise<void> {
  const { rounds = ROUNDS, turnMs = TURN_MS, end = Infinity, peak } = options;
  // Round −1 warms up: it compiles code and allocates memory.
  for (let round = -1; round < rounds && runners.some((runner) => goesOn(runner, round)); round++) {
    if (round >= 0 && peak !== undefined) peakGflops.push(await peak());
    for (const index of roundOrder(runners.length, round)) {
      const runner = runners[index]!;
      if (runner.state?.status !== 'ready' || !goesOn(runner, round)) continue;
      if (round < 0 && runner.state.firstRunMs > WARM_AFTER_MS) continue;
      options.signal?.throwIfAborted();
      announce(
        options,
        runner.entrant,
        round < 0 ? 'warming up' : 'measuring',
        0.5 + (round + 1) / (rounds + 1) / 2,
      );
      const turn = await takeTurn(
        runner,
        runner.state,
        round < 0 ? WARM_UP_TURNS * turnMs : turnMs,
        options.signal,
      );
      if (round >= 0 && turn !== null) runner.turns.push(turn);
    }
    if (round >= 0 && performance.now() > end) return;
  }
}

/** Returns whether an entrant takes part in a round: its share has room for one more, or it has hardly begun. */
function goesOn({ entrant, state, spentMs, lastTurnMs }: Runner, round: number): boolean {
  if (state?.status !== 'ready') return false;
  return round < MIN_ROUNDS || spentMs + lastTurnMs <= (entrant.shareMs ?? Infinity);
}

/** The order of turns in a round: that of the entrants, begun one place further in each round. */
export function roundOrder(count: number, round: number): number[] {
  return Array.from({ length: count }, (_, place) => (place + round + count) % count);
}

/** Takes one turn; returns null if the entrant drops out. */
async function takeTurn(
  runner: Runner,
  ready: Ready,
  turnMs: number,
  signal?: AbortSignal,
): Promise<TurnTaken | null> {
  const turn = await ready.turn(turnMs, signal);
  if (turn.status === 'turn taken') {
    runner.lastTurnMs = turn.samplesMs.reduce((sum, sample) => sum + sample, 0);
    runner.spentMs += runner.lastTurnMs;
    return turn;
  }
  runner.state = turn;
  await ready.end();
  return null;
}

function announce(
  { onProgress }: RaceOptions,
  { contestant, workload }: Entrant,
  phase: Progress['phase'],
  done: number,
): void {
  onProgress?.({ workload: workload.name, contestant, phase, done });
}

/** Empty figures of an entrant that did not run. */
export const NOTHING = {
  device: null,
  threads: null,
  memory: null,
  firstRunMs: null,
  startMs: null,
  roundsMs: [],
  undisturbedMs: [],
  samplesMs: [],
} as const;

function finishOf({ state, turns }: Runner, whyNot: typeof STOPPED | typeof USED_UP): Finish {
  if (state === null) return { ...NOTHING, ...whyNot };
  if (state.status === 'too slow') {
    const { device, threads, memory, firstRunMs, startMs } = state.ready;
    return {
      ...NOTHING,
      device,
      threads,
      memory,
      firstRunMs,
      startMs,
      status: 'too slow',
      reason: state.reason,
    };
  }
  const { device, threads } = state;
  if (state.status !== 'ready') {
    const { status, reason, remedy, hung } = state;
    return {
      ...NOTHING,
      status,
      device,
      threads,
      reason,
      ...(remedy !== undefined && { remedy }),
      ...(hung && { hung }),
    };
  }
  const { memory, firstRunMs, startMs } = state;
  const about = { device, threads, memory, firstRunMs, startMs };
  if (turns.length === 0) return { ...NOTHING, ...about, ...whyNot };
  return {
    ...about,
    status: 'measured',
    roundsMs: turns.map(({ samplesMs }) => median(samplesMs)),
    undisturbedMs: turns.map(({ samplesMs, waitedShare }) => mean(samplesMs) * (1 - waitedShare)),
    samplesMs: turns.map(({ samplesMs }) => samplesMs),
  };
}

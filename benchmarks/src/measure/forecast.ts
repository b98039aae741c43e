import { usefulFlops } from '../workload/pairs.ts';
import type { Workload } from '../workload/workload.ts';
import type { Finish } from './race.ts';
import { median } from './statistics.ts';

/** Forecast for a contestant from its earlier runs. */
export interface Forecast {
  /** Time of one run; null before anything was measured. */
  runMs(workload: Workload): number | null;
  /** Memory beyond inputs and output, as if it grew like the matrix of scores; null before anything was measured. */
  growthBytes(workload: Workload): number | null;
  /** Time until the process is ready. */
  startMs(): number;
  learn(workload: Workload, finish: Finish): void;
}

/** Assumed time until a process has started and loaded its libraries, before any measurement. */
const START_MS = 500;
/** Upper limit of the start time. A longer one is due to a busy machine, not to the contestant. */
const MOST_START_MS = 3000;

/** Sixteen copies of a score: nobody stores more, and faster growth in a small workload has another cause. */
const MOST_BYTES_OF_SCORE = 64;

/** Workloads come from small to large: the last one that was measured is the nearest. */
export function forecast(): Forecast {
  let time: { readonly flops: number; readonly ms: number } | null = null;
  let startMs = START_MS;
  let memory: { readonly scores: number; readonly bytes: number } | null = null;
  return {
    startMs: () => startMs,
    runMs: (of) => time && (time.ms * usefulFlops(of)) / time.flops,
    growthBytes(of) {
      if (memory === null) return null;
      const scores = scoresOf(of);
      if (scores <= memory.scores) return memory.bytes;
      return Math.min((memory.bytes * scores) / memory.scores, memory.bytes + MOST_BYTES_OF_SCORE * scores);
    },
    learn(of, finish) {
      const flops = usefulFlops(of);
      const ms = finish.roundsMs.length > 0 ? median(finish.roundsMs) : finish.firstRunMs;
      if (ms !== null && flops >= (time?.flops ?? 0)) time = { flops, ms };
      startMs = Math.min(finish.startMs ?? startMs, MOST_START_MS);
      const scores = scoresOf(of);
      if (finish.memory && scores >= (memory?.scores ?? 0)) {
        memory = { scores, bytes: Math.max(0, finish.memory.growthBytes) };
      }
    },
  };
}

function scoresOf({ batch, heads, queryLength, keyLength }: Workload): number {
  return batch * heads * queryLength * keyLength;
}

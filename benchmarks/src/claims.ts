import { type EntryOptions, entrantOf } from './measure/entry.ts';
import { type Finish, type Progress, race } from './measure/race.ts';
import { median, speedRatio } from './measure/statistics.ts';
import { type ContestantSource, contestantNamed, tripleLoop } from './process/source.ts';
import { type Workload, workload } from './workload/workload.ts';

/** One contestant on one workload. */
interface Side {
  readonly contestant: ContestantSource;
  readonly workload: Workload;
}

/** Claim that one entrant is at least so many times as fast as another. */
export interface SpeedClaim {
  readonly kind: 'speed';
  readonly id: string;
  readonly says: string;
  readonly entrant: Side;
  readonly than: Side;
  readonly atLeast: number;
}

/** Claim that one run grows the process by less than so many megabytes (2²⁰ bytes) beyond inputs and outputs. */
export interface MemoryClaim {
  readonly kind: 'memory';
  readonly id: string;
  readonly says: string;
  readonly entrant: Side;
  readonly below: number;
}

export type Claim = SpeedClaim | MemoryClaim;

/** Outcome of a claim. */
export interface Verdict {
  readonly kind: Claim['kind'];
  readonly id: string;
  readonly says: string;
  /** The ratio, or the megabytes; null when it could not be measured. */
  readonly figure: number | null;
  /** Bound that the figure had to reach, or to stay below. */
  readonly bound: number;
  readonly held: boolean;
  /** Reason that there is no figure. */
  readonly reason?: string;
  /** For a speed claim: median time of the faster and of the slower. */
  readonly medianMs?: readonly [number, number];
}

const ts: ContestantSource = contestantNamed('@heed/backend-ts');
const tfjsCpu: ContestantSource = contestantNamed('@tensorflow/tfjs-backend-cpu');

const base: Workload = workload({ length: 512 });
const dense2048: Workload = workload({ length: 2048, heads: 1 });
const causal2048: Workload = workload({ length: 2048, heads: 1, causal: true });
const dense8192: Workload = workload({ length: 8192, heads: 1 });
const window8192: Workload = workload({ length: 8192, heads: 1, window: { left: 256, right: 256 } });
const dense16384: Workload = workload({ length: 16384, heads: 1 });

/** Heed's claims about its TypeScript backend, on one thread in float32. */
export const claimsOfBackendTs: readonly Claim[] = [
  {
    kind: 'speed',
    id: 'triple-loop',
    says: 'against the plain triple loop, N=512 H=12 D=64',
    entrant: { contestant: ts, workload: base },
    than: { contestant: tripleLoop, workload: base },
    atLeast: 3,
  },
  {
    kind: 'speed',
    id: 'tfjs-backend-cpu',
    says: 'against @tensorflow/tfjs-backend-cpu, N=512 H=12 D=64',
    entrant: { contestant: ts, workload: base },
    than: { contestant: tfjsCpu, workload: base },
    atLeast: 8,
  },
  {
    kind: 'speed',
    id: 'causal',
    says: 'causal against dense, N=2048 H=1 D=64',
    entrant: { contestant: ts, workload: causal2048 },
    than: { contestant: ts, workload: dense2048 },
    atLeast: 1.7,
  },
  {
    kind: 'speed',
    id: 'window',
    says: 'window of 256 on each side against dense, N=8192 H=1 D=64',
    entrant: { contestant: ts, workload: window8192 },
    than: { contestant: ts, workload: dense8192 },
    atLeast: 8,
  },
  {
    kind: 'memory',
    id: 'memory',
    says: 'growth beyond inputs and outputs, N=16384 H=1 D=64',
    entrant: { contestant: ts, workload: dense16384 },
    below: 64,
  },
];

export interface JudgeOptions {
  /** Number of turns of each side. Default 7. */
  readonly rounds?: number;
  /** Length of a turn in milliseconds; a slower run is one turn by itself. Default 40. */
  readonly turnMs?: number;
  /** Called as the measurement goes on. */
  readonly onProgress?: (progress: Progress) => void;
}

const ROUNDS = 7;
const ALONE: EntryOptions = { threads: 1, limitMs: 120_000 };

/** Measures one claim on one thread; its two sides take turns. */
export async function judge(claim: Claim, options: JudgeOptions = {}): Promise<Verdict> {
  const sides = claim.kind === 'speed' ? [claim.entrant, claim.than] : [claim.entrant];
  const entrants = sides.map(({ contestant, workload: of }) => entrantOf(contestant, of, ALONE));
  const rounds = claim.kind === 'speed' ? (options.rounds ?? ROUNDS) : 0;
  const { finishes } = await race(entrants, { ...options, rounds });
  const [finish, other] = finishes;
  return claim.kind === 'speed' ? speedVerdict(claim, finish!, other!) : memoryVerdict(claim, finish!);
}

/** Holds only where both sides were measured: a peer that is absent proves nothing. */
export function speedVerdict(claim: SpeedClaim, finish: Finish, other: Finish): Verdict {
  const { kind, id, says, atLeast: bound } = claim;
  const figure = speedRatio(finish.roundsMs, other.roundsMs);
  if (figure !== null) {
    const medianMs = [median(finish.roundsMs), median(other.roundsMs)] as const;
    return { kind, id, says, figure, bound, held: figure >= bound, medianMs };
  }
  const [{ contestant }, { status, reason, remedy }] =
    finish.status === 'measured' ? [claim.than, other] : [claim.entrant, finish];
  return unmeasured({ kind, id, says, bound }, contestant.name, { status, reason, remedy });
}

export function memoryVerdict(claim: MemoryClaim, finish: Finish): Verdict {
  const { kind, id, says, below: bound } = claim;
  if (finish.memory === null) {
    return unmeasured({ kind, id, says, bound }, claim.entrant.contestant.name, finish);
  }
  const figure = finish.memory.growthBytes / 2 ** 20;
  return { kind, id, says, figure, bound, held: figure < bound };
}

function unmeasured(
  claim: Pick<Verdict, 'kind' | 'id' | 'says' | 'bound'>,
  who: string,
  why: {
    readonly status: string;
    readonly reason?: string | undefined;
    readonly remedy?: string | undefined;
  },
): Verdict {
  const reason = [`${who}: ${why.status}`, why.reason, why.remedy].filter(Boolean).join(': ');
  return { ...claim, figure: null, held: false, reason };
}

import type { Contestant } from './contestant.ts';
import { contestantNamed } from './contestants/by-name.ts';
import { tfjsCpu } from './contestants/tfjs-cpu.ts';
import { tripleLoop } from './contestants/triple-loop.ts';
import { type MemoryReport, memoryOf } from './memory.ts';
import { type Entrant, type Finish, type RaceOptions, race } from './race.ts';
import { median, speedRatio } from './statistics.ts';
import { type Workload, workload } from './workload.ts';

/** That one entrant is at least so many times as fast as another. */
export interface SpeedClaim {
  readonly kind: 'speed';
  readonly id: string;
  readonly says: string;
  readonly entrant: Entrant;
  readonly than: Entrant;
  readonly atLeast: number;
}

/** That one run grows the process by less than so many megabytes (2²⁰ bytes) beyond inputs and outputs. */
export interface MemoryClaim {
  readonly kind: 'memory';
  readonly id: string;
  readonly says: string;
  readonly contestant: string;
  readonly workload: Workload;
  readonly below: number;
}

export type Claim = SpeedClaim | MemoryClaim;

/** What a claim came to. */
export interface Verdict {
  readonly kind: Claim['kind'];
  readonly id: string;
  readonly says: string;
  /** The ratio, or the megabytes; null when it could not be measured. */
  readonly figure: number | null;
  /** What the figure had to reach, or to stay below. */
  readonly bound: number;
  readonly held: boolean;
  /** Why there is no figure. */
  readonly reason?: string;
  /** Of a speed claim: median time of the faster and of the slower. */
  readonly medianMs?: readonly [number, number];
}

const name = '@heed/backend-ts';
const ts: Contestant = contestantNamed(name);

const base: Workload = workload({ length: 512 });
const dense2048: Workload = workload({ length: 2048, heads: 1 });
const causal2048: Workload = workload({ length: 2048, heads: 1, causal: true });
const dense8192: Workload = workload({ length: 8192, heads: 1 });
const window8192: Workload = workload({ length: 8192, heads: 1, window: { left: 256, right: 256 } });
const dense16384: Workload = workload({ length: 16384, heads: 1 });

/** What Heed says of its TypeScript backend, on one thread in float32. */
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
    contestant: name,
    workload: dense16384,
    below: 64,
  },
];

/** Measures one claim, whose two sides take turns. */
export async function judge(claim: Claim, options: RaceOptions = {}): Promise<Verdict> {
  if (claim.kind === 'speed') {
    const [finish, other] = await race([claim.entrant, claim.than], options);
    return speedVerdict(claim, finish!, other!);
  }
  const { contestant, workload: of } = claim;
  options.onProgress?.({ workload: of.name, contestant, phase: 'measuring', done: 0 });
  return memoryVerdict(claim, await memoryOf(contestant, of, { signal: options.signal }));
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

export function memoryVerdict(claim: MemoryClaim, report: MemoryReport): Verdict {
  const { kind, id, says, below: bound } = claim;
  if (report.status !== 'measured') return unmeasured({ kind, id, says, bound }, claim.contestant, report);
  const figure = report.growthBytes / 2 ** 20;
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

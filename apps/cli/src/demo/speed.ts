import {
  type ContestantSource,
  type Machine,
  type Row,
  measure,
  tripleLoop,
  workload,
} from '@heed/benchmarks';

/** Time over sequence lengths, of backends and of the plain triple loop. */
export interface Speed {
  /** Shape of the computation at each length. */
  readonly shape: string;
  readonly baseline: string;
  readonly rounds: number;
  /** Rows by length, then contestant; the baseline first. */
  readonly rows: readonly Row[];
}

const HEADS = 2;
const HEAD_DIM = 64;
const ROUNDS = 5;
const TURN_SECONDS = 0.05;

export async function speedOf(
  backends: readonly ContestantSource[],
  lengths: readonly number[],
  say: (text: string) => void,
): Promise<{ readonly speed: Speed; readonly machine: Machine }> {
  const { machine, rows } = await measure({
    workloads: lengths.map((length) => workload({ length, heads: HEADS, headDim: HEAD_DIM })),
    contestants: [tripleLoop, ...backends],
    rounds: ROUNDS,
    turnSeconds: TURN_SECONDS,
    onProgress: ({ workload: name, contestant, phase }) => say(`speed: ${phase} ${contestant}, ${name}`),
  });
  const shape = `float32, B=1 H=${HEADS} D=${HEAD_DIM}`;
  return { machine, speed: { shape, baseline: tripleLoop.name, rounds: ROUNDS, rows } };
}

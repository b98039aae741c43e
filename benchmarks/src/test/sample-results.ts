import { usefulFlops } from '../workload/pairs.ts';
import { workload } from '../workload/workload.ts';
import type { Row } from '../measure/measure.ts';
import type { BenchResults } from '../results/schema.ts';

/** A contestant whose time and memory follow a law. */
export interface Model {
  readonly name: string;
  readonly gflops: number;
  /** Bytes for each score, 0 if it stores none. */
  readonly bytesPerScore: number;
  /** Status; any but `measured` has a reason. */
  readonly status?: Row['status'];
}

const MODELS: readonly Model[] = [
  { name: 'triple loop', gflops: 1.5, bytesPerScore: 0 },
  { name: '@heed/backend-ts', gflops: 4, bytesPerScore: 0 },
  { name: '@heed/backend-wasm', gflops: 40, bytesPerScore: 0 },
  { name: 'PyTorch', gflops: 90, bytesPerScore: 0 },
  { name: '@tensorflow/tfjs-backend-cpu', gflops: 0.3, bytesPerScore: 8 },
  { name: 'absent', gflops: 0, bytesPerScore: 0, status: 'unavailable' },
  { name: 'wrong', gflops: 0, bytesPerScore: 0, status: 'wrong' },
];

const LENGTHS = [128, 256, 512, 1024, 2048, 4096, 8192];
const ROUNDS = 11;

/** Returns results as from a machine with hardly any noise. */
export function sampleResults(
  options: {
    readonly models?: readonly Model[];
    /** Speed of the machine: a factor for times and peak. */
    readonly speed?: number;
    /** Factor of every time, by place. */
    readonly noise?: (place: number) => number;
    readonly lengths?: readonly number[];
  } = {},
): BenchResults {
  const {
    models = MODELS,
    speed = 1,
    noise = (place) => 1 + (place % 7) / 1000,
    lengths = LENGTHS,
  } = options;
  const heads = 2;
  const workloads = [false, true].flatMap((causal) =>
    lengths.map((length) => workload({ length, heads, causal })),
  );
  const peakGflops = Array.from({ length: ROUNDS }, () => 60 * speed);
  const rows = workloads.flatMap((of, at) =>
    models.map(({ name, gflops, bytesPerScore, status = 'measured' }, who): Row => {
      const base = { workload: of.name, contestant: name, length: of.keyLength, status };
      const ms = usefulFlops(of) / (gflops * speed) / 1e6;
      const roundsMs = Array.from({ length: ROUNDS }, (_, round) => ms * noise(at * 97 + who * 13 + round));
      const nothing = {
        device: null,
        threads: null,
        medianMs: null,
        quartilesMs: null,
        gflops: null,
        ratio: null,
      };
      if (status !== 'measured') {
        return {
          ...base,
          ...nothing,
          peakBytes: null,
          growthBytes: null,
          reason: `<b>${status}</b>`,
          roundsMs: [],
          undisturbedMs: [],
          samplesMs: [],
        };
      }
      const bytes = of.keyLength ** 2 * heads * bytesPerScore + of.keyLength * heads * 64 * 16;
      return {
        ...base,
        device: 'a model',
        threads: 1,
        medianMs: ms,
        quartilesMs: [0.99 * ms, 1.01 * ms],
        gflops,
        ratio: gflops / models[0]!.gflops,
        peakBytes: 80 * 2 ** 20 + bytes,
        growthBytes: bytes,
        roundsMs,
        undisturbedMs: roundsMs,
        samplesMs: roundsMs.map((one) => [one]),
      };
    }),
  );
  return {
    format: 'heed-bench/1',
    startedAt: '2026-01-02T03:04:05.000Z',
    commit: null,
    machine: { cpu: 'model', cores: 2, memoryBytes: 2 ** 34, os: 'Linux', node: '24.0.0', v8: '13' },
    versions: { '@heed/core': '0.0.0' },
    settings: { threads: 1, budgetSeconds: 600, rounds: ROUNDS, turnSeconds: 0.1, baseline: 'triple loop' },
    stopped: false,
    peak: { device: 'a model', gflops: 60 * speed },
    workloads: workloads.map((of) => ({ workload: of, flops: usefulFlops(of), peakGflops })),
    rows,
    growth: [],
  };
}

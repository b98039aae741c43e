import { clearLine, cursorTo } from 'node:readline';
import {
  type BenchResults,
  type Progress,
  type Workload,
  installedVersions,
  measure,
  resultsOf,
} from '@heed/benchmarks';
import type { Candidate } from './contestants.ts';

export interface BenchOptions {
  readonly workloads: readonly Workload[];
  readonly contestants: readonly Candidate[];
  readonly baseline: string;
  readonly threads: number;
  readonly budgetSeconds: number;
  readonly timeoutSeconds: number;
  readonly rounds: number;
  readonly turnSeconds: number;
  readonly note?: string;
}

/** Packages whose versions a run records. */
const PACKAGES = [
  '@heed/core',
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-backend-cpu',
  '@tensorflow/tfjs-backend-wasm',
  '@tensorflow/tfjs-node',
  'onnxruntime-node',
  'onnxruntime-web',
  '@jax-js/jax',
];

/** Measures until everything is done, the budget is used up, or somebody presses Ctrl-C. */
export async function runBench(options: BenchOptions): Promise<BenchResults> {
  const startedAt = new Date();
  const { note, ...measured } = options;
  const { contestants, workloads, baseline, threads, budgetSeconds, rounds, turnSeconds } = measured;
  const interrupt = onInterrupt();
  const progress = process.stderr.isTTY ? oneLine() : lines(workloads);
  try {
    const measurement = await measure({
      ...measured,
      signal: interrupt.signal,
      onProgress: progress.update,
    });
    return resultsOf(measurement, {
      startedAt,
      workloads,
      contestants,
      versions: { ...installedVersions(PACKAGES), ...versionsOf(contestants) },
      ...(note !== undefined && { note }),
      settings: { threads, budgetSeconds, rounds, turnSeconds, baseline },
    });
  } finally {
    progress.stop();
    interrupt.ignore();
  }
}

function versionsOf(contestants: readonly Candidate[]): Record<string, string> {
  const known = contestants.filter((one) => one.package !== null && one.version !== null);
  return Object.fromEntries(known.map((one) => [one.package!, one.version!]));
}

/** Returns a signal for the first Ctrl-C. The second ends the process, as by default. */
function onInterrupt(): { readonly signal: AbortSignal; ignore(): void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error('interrupted'));
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  return {
    signal: controller.signal,
    ignore() {
      process.off('SIGINT', abort);
      process.off('SIGTERM', abort);
    },
  };
}

interface ProgressLine {
  update(progress: Progress): void;
  stop(): void;
}

/** Progress as a line on the terminal that is rewritten. Not a spinner: those end the process themselves on Ctrl-C. */
function oneLine(): ProgressLine {
  const { stderr } = process;
  const clear = (): void => {
    clearLine(stderr, 0);
    cursorTo(stderr, 0);
  };
  return {
    update({ workload, contestant, phase, done }) {
      clear();
      const text = `${Math.floor(100 * done)}%  ${workload}: ${phase} ${contestant}  (Ctrl-C keeps what is there)`;
      stderr.write(text.slice(0, stderr.columns - 1));
    },
    stop: clear,
  };
}

/** Progress where nobody watches: a line for each workload. */
function lines(workloads: readonly Workload[]): ProgressLine {
  const seen = new Set<string>();
  return {
    update({ workload }) {
      if (seen.has(workload)) return;
      seen.add(workload);
      process.stderr.write(`${seen.size} of ${workloads.length}: ${workload}\n`);
    },
    stop: () => undefined,
  };
}

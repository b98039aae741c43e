import {
  type AttentionBackend,
  type AttentionProblem,
  type AttentionRequest,
  type Tensor,
  resolveRequest,
  tensor,
} from '@heed/core';
import { addFromURL, backendOf, outcomeOf } from './engine.ts';
import { naiveAttention, naiveBytes } from './naive.ts';
import { NAIVE } from './offers.ts';
import type { Outcome } from './question.ts';

/** A race over lengths. */
export interface RaceOptions {
  readonly lengths: readonly number[];
  /** Ids of backends; {@link NAIVE} is the three loops with the whole matrix. */
  readonly contestants: readonly string[];
  /** Keys to the left, itself not counted, for local attention; null for global. */
  readonly window: number | null;
}

/** One length of one contestant. */
export interface RaceResult {
  readonly contestant: string;
  readonly length: number;
  readonly milliseconds: number;
  /** Bytes allocated for the call: inputs, output, and working memory. */
  readonly bytes: number;
}

const HEADS = 2;
const DEPTH = 32;
/** Time for the runs of one length, and their least number. */
const TIME_MS = 250;
const LEAST_RUNS = 3;

/** Runs every contestant at every length, from the shortest, and reports each as it ends. */
export async function race(
  { lengths, contestants, window }: RaceOptions,
  report: (contestant: string, length: number, outcome: Outcome<RaceResult>) => void,
): Promise<void> {
  for (const id of contestants.filter((one) => one.startsWith('url:')))
    await addFromURL(id.slice('url:'.length));
  for (const length of lengths) {
    const request = requestOf(length, window);
    for (const contestant of contestants) {
      const outcome = await outcomeOf(() => measure(contestant, request, length));
      report(contestant, length, outcome);
      // Yields, so that the message is sent.
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
}

function requestOf(length: number, window: number | null): AttentionRequest {
  const numbers = (seed: number): Tensor =>
    tensor(
      Float32Array.from({ length: HEADS * length * DEPTH }, (_, n) => Math.sin(seed + 1.7 * n)),
      [1, HEADS, length, DEPTH],
    );
  const [query, key, value] = [numbers(1), numbers(2), numbers(3)];
  return {
    query: query!,
    key: key!,
    value: value!,
    window: window === null ? null : { left: window, right: 0 },
  };
}

async function measure(contestant: string, request: AttentionRequest, length: number): Promise<RaceResult> {
  const { problem, inputs } = resolveRequest(request);
  const tensors = 4 * 4 * HEADS * length * DEPTH;
  if (contestant === NAIVE) {
    const milliseconds = await median(async () => void naiveAttention(problem, inputs));
    return { contestant, length, milliseconds, bytes: tensors + naiveBytes(problem) };
  }
  const backend = await backendOf(contestant);
  const { milliseconds, scratch } = await withKernel(backend, problem, async (kernel) => ({
    milliseconds: await median(async () => void (await kernel.run(inputs))),
    scratch: kernel.plan.scratchBytes,
  }));
  return { contestant, length, milliseconds, bytes: tensors + scratch };
}

async function withKernel<T>(
  backend: AttentionBackend,
  problem: AttentionProblem,
  work: (kernel: Awaited<ReturnType<AttentionBackend['compile']>>) => Promise<T>,
): Promise<T> {
  const kernel = await backend.compile(problem);
  try {
    return await work(kernel);
  } finally {
    await kernel.dispose();
  }
}

/** Median time of several runs, after one that does not count. */
async function median(run: () => Promise<void>): Promise<number> {
  await run();
  const times: number[] = [];
  const end = performance.now() + TIME_MS;
  while (times.length < LEAST_RUNS || (performance.now() < end && times.length < 51)) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

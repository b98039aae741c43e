import {
  type AttentionGradients,
  type AttentionInputs,
  type AttentionProblem,
  type AttentionResults,
  type GradientInputs,
  type RunOptions,
  type Tensor,
  mergeGradients,
} from '@heed/core';
import { ELEMENT_BYTES } from '@heed/core/backend';
import { type PartResults, mergeForward } from '../forward/merge.ts';
import { type ClusterTensor, type PartedTensor, localTensor } from '../memory/cluster-tensor.ts';
import type { ClusterMemory } from '../memory/memory.ts';
import type { ClusterOptions } from '../options.ts';
import { partInputs, taskTensor, wholeInputs } from '../plan/part-inputs.ts';
import { type KeyPart, partProblem } from '../plan/parts.ts';
import type { Coordinator, Done, Job } from './coordinator.ts';
import { type RunMetrics, figuresOf } from './metrics.ts';
import { type Task, baseName } from './protocol.ts';

interface Means {
  readonly coordinator: Coordinator;
  readonly memory: ClusterMemory;
  readonly options: Pick<ClusterOptions, 'onRun' | 'onProgress'>;
}

/** Time after which a run reports progress, in milliseconds. */
const TOLD_AFTER = 1000;

/** A problem on the cluster: tasks for its parts, and their answers joined. */
export class ClusterKernel {
  readonly #problem: AttentionProblem;
  readonly #parts: readonly KeyPart[];
  readonly #means: Means;
  #lastRun: RunMetrics | null = null;

  constructor(problem: AttentionProblem, parts: readonly KeyPart[], means: Means) {
    this.#problem = problem;
    this.#parts = parts;
    this.#means = means;
  }

  /** Bytes of the parts' results, which wait for each other. */
  get scratchBytes(): number {
    const { batch, heads, queryLength, valueDim, dtype } = this.#problem;
    const rows = batch * heads * queryLength;
    return this.#parts.length * rows * (valueDim + 2) * ELEMENT_BYTES[dtype];
  }

  /** Figures of the last run; null before the first. */
  get lastRun(): Readonly<Record<string, number>> | null {
    return this.#lastRun && figuresOf(this.#lastRun);
  }

  async run(
    inputs: AttentionInputs<ClusterTensor>,
    options: RunOptions,
  ): Promise<AttentionResults<ClusterTensor>> {
    const problem = this.#problem;
    const jobs = this.#isWhole
      ? [this.#job(null, { problem, inputs: wholeInputs(problem, inputs) })]
      : this.#parts.map((part, index) =>
          this.#job(index, {
            problem: partProblem(problem, part, 'forward'),
            inputs: partInputs(problem, inputs, part),
          }),
        );
    return this.#perform(jobs, options, (results) => {
      const merged = this.#isWhole
        ? (results[0] as AttentionResults)
        : mergeForward(problem, this.#parts, results as unknown as PartResults[]);
      return localized(merged) as AttentionResults<ClusterTensor>;
    });
  }

  async gradient(
    inputs: AttentionInputs<ClusterTensor>,
    { output, statistics, dOutput, isPart = false }: GradientInputs<ClusterTensor>,
    options: RunOptions,
  ): Promise<AttentionGradients<ClusterTensor>> {
    const problem = this.#problem;
    const stored = this.#isWhole ? {} : this.#storedGradients(inputs);
    const whole = {
      output: taskTensor(output),
      rowMax: taskTensor(statistics.rowMax),
      rowSum: taskTensor(statistics.rowSum),
    };
    const jobs = this.#isWhole
      ? [
          this.#job(null, {
            problem: { ...problem, outputs: ['output', 'statistics'] },
            inputs: wholeInputs(problem, inputs),
            gradient: { dOutput: taskTensor(dOutput), ...(isPart && { whole }), store: {} },
          }),
        ]
      : this.#parts.map((part, index) => {
          const store = Object.entries(stored).map(([name, { id }]) => [name, baseName(id, index, 1)]);
          return this.#job(index, {
            problem: partProblem(problem, part, 'gradient'),
            inputs: partInputs(problem, inputs, part),
            gradient: {
              dOutput: taskTensor(dOutput),
              whole,
              store: Object.fromEntries(store) as Record<string, string>,
            },
          });
        });
    try {
      return await this.#perform(jobs, options, (results) => {
        const gradients = this.#isWhole
          ? results[0]!
          : mergeGradients(
              results.map((part, index) => ({
                ...(part as unknown as AttentionGradients),
                start: this.#parts[index]!.start,
              })),
              { layout: problem.layout, ...(inputs.bias && { biasShape: inputs.bias.shape }) },
            );
        return { ...localized(gradients), ...stored } as unknown as AttentionGradients<ClusterTensor>;
      });
    } catch (error) {
      for (const tensor of Object.values(stored)) this.#means.memory.free(tensor);
      throw error;
    }
  }

  get #isWhole(): boolean {
    return this.#parts.length === 1;
  }

  /** Gradients of keys and values that are too large for the caller stay where their parts are. */
  #storedGradients({ key, value }: AttentionInputs<ClusterTensor>): Record<string, PartedTensor> {
    const { memory } = this.#means;
    const axis = this.#problem.layout === 'bhld' ? 2 : 1;
    const named = Object.entries({ dKey: key, dValue: value }).filter(
      ([, tensor]) => !memory.isLocal(tensor),
    );
    return Object.fromEntries(
      named.map(([name, { dtype, shape }]) => [name, memory.expected(dtype, shape, axis)]),
    );
  }

  #job(part: number | null, task: Pick<Task, 'problem' | 'inputs' | 'gradient'>): Job {
    const { start, end } = this.#parts[part ?? 0]!;
    const place = part === null ? 'all keys' : `keys ${start} to ${end - 1} (shard ${part})`;
    return { part, task, place };
  }

  async #perform<T>(
    jobs: readonly Job[],
    { signal }: RunOptions,
    merge: (results: readonly Partial<Record<string, Tensor>>[]) => T,
  ): Promise<T> {
    const { coordinator, options } = this.#means;
    const started = performance.now();
    const done = await coordinator.perform(jobs, signal, (count) => {
      const elapsed = performance.now() - started;
      if (elapsed > TOLD_AFTER) options.onProgress?.({ done: count, shards: jobs.length, elapsed });
    });
    const answered = performance.now();
    const merged = merge(done.answers.map(({ results }) => results as never));
    this.#report(done, { started, answered });
    return merged;
  }

  #report(
    { answers, bytesSent, bytesReceived }: Done,
    { started, answered }: { readonly started: number; readonly answered: number },
  ): void {
    const now = performance.now();
    const ofWorkers = new Map<string, number>();
    for (const { worker, compute } of answers) ofWorkers.set(worker, (ofWorkers.get(worker) ?? 0) + compute);
    const compute = Math.max(...ofWorkers.values());
    this.#lastRun = {
      shards: answers.length,
      bytesSent: bytesSent + answers.reduce((sum, { fetched }) => sum + fetched, 0),
      bytesReceived,
      retries: answers.reduce((sum, { delivery }) => sum + delivery - 1, 0),
      total: now - started,
      compute,
      wait: Math.max(0, answered - started - compute),
      merge: now - answered,
      workers: [...new Set(answers.map(({ worker }) => worker))].sort(),
    };
    this.#means.options.onRun?.(this.#lastRun);
  }
}

/** Returns a structure with every tensor as one of the cluster that stays here. */
function localized(structure: object): object {
  return Object.fromEntries(
    Object.entries(structure).map(([name, value]: [string, object]) => [
      name,
      'shape' in value ? localTensor(value as Tensor) : localized(value),
    ]),
  );
}

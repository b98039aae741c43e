import type {
  AttentionBackend,
  AttentionGradients,
  AttentionInputs,
  AttentionKernel,
  GradientInputs,
  ResidentTensor,
  Statistics,
  Tensor,
} from '@heed/core';
import { partGradientInputs, withKernel } from '@heed/core/backend';
import { type Task, type TaskTensor, isStored } from '../run/protocol.ts';
import type { PartCache } from './part-cache.ts';

/** Results of a task: those sent back, and those stored. */
export interface Performed {
  readonly results: Readonly<Record<string, unknown>>;
  readonly store: Readonly<Record<string, Tensor>>;
  /** Milliseconds of computing. */
  readonly compute: number;
}

/** Inputs that backends take as plain tensors only. */
const ON_HOST = new Set(['offsets', 'keyLengths', 'keyStarts', 'queryLengths']);

/** Does a task with a backend. */
export async function perform(
  backend: AttentionBackend,
  cache: PartCache,
  task: Task,
  signal: AbortSignal,
): Promise<Performed> {
  const inputs: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(task.inputs)) {
    inputs[name] = isStored(value) ? await cache.tensorOf(value) : value;
  }
  if (task.problem.valueFromKey !== null) inputs['value'] = inputs['key'];
  const read = async (value: TaskTensor): Promise<Tensor> =>
    plain(isStored(value) ? await cache.tensorOf(value) : value);
  for (const name of ON_HOST) if (name in inputs) inputs[name] = await plain(inputs[name] as Tensor);
  const given = inputs as unknown as AttentionInputs;
  if (task.gradient === undefined) {
    const started = performance.now();
    const results = await withKernel(backend, task.problem, (kernel) => kernel.run(given, { signal }));
    return { results: { ...results }, store: {}, compute: performance.now() - started };
  }
  const { dOutput, whole, store: names } = task.gradient;
  const wholeInputs = {
    dOutput: await read(dOutput),
    ...(whole && {
      output: await read(whole.output),
      statistics: { rowMax: await read(whole.rowMax), rowSum: await read(whole.rowSum) },
    }),
  };
  const started = performance.now();
  const gradients = await withKernel(backend, task.problem, (kernel) =>
    gradientOf(kernel, given, wholeInputs, signal),
  );
  const compute = performance.now() - started;
  const entries = Object.entries(gradients) as [string, Tensor][];
  return {
    results: Object.fromEntries(entries.filter(([name]) => !(name in names))),
    store: Object.fromEntries(
      entries.filter(([name]) => name in names).map(([name, tensor]) => [names[name]!, tensor]),
    ),
    compute,
  };
}

/**
 * The gradient with the kernel's own statistics, the only ones that are right to its last bit. For a part of the keys,
 * output and statistics over all of them make it the part's share of the whole gradient.
 */
async function gradientOf(
  kernel: AttentionKernel,
  inputs: AttentionInputs,
  { dOutput, output, statistics }: { dOutput: Tensor; output?: Tensor; statistics?: Statistics },
  signal: AbortSignal,
): Promise<AttentionGradients> {
  const own = await kernel.run(inputs, { signal });
  const ownStatistics = own.statistics!;
  const forward: GradientInputs =
    output === undefined || statistics === undefined
      ? { output: own.output!, statistics: ownStatistics, dOutput }
      : {
          statistics: ownStatistics,
          ...partGradientInputs(ownStatistics, { output, statistics, dOutput }, kernel.problem.layout),
        };
  return kernel.gradient(inputs, forward, { signal });
}

async function plain(value: Tensor | ResidentTensor): Promise<Tensor> {
  return 'resident' in value ? value.read() : value;
}

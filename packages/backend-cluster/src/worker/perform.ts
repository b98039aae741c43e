import type {
  AttentionBackend,
  AttentionGradients,
  AttentionInputs,
  AttentionKernel,
  AttentionProblem,
  GradientInputs,
  ResidentTensor,
  Statistics,
  Tensor,
} from '@heed/core';
import { resolveRequest } from '@heed/core';
import { withKernel } from '@heed/core/backend';
import { scaledToPart } from '../gradient/shares.ts';
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
          ...scaledToPart(kernel.problem, ownStatistics, { output, statistics, dOutput }),
        };
  return kernel.gradient(inputs, forward, { signal });
}

async function plain(value: Tensor | ResidentTensor): Promise<Tensor> {
  return 'resident' in value ? value.read() : value;
}

/** A row of two keys, whose gradient over each of them is known to be a part of that over both. */
const ROW = {
  query: { data: new Float32Array([1]), shape: [1, 1, 1, 1] },
  key: { data: new Float32Array([0.5, -1]), shape: [1, 1, 2, 1] },
  value: { data: new Float32Array([2, -3]), shape: [1, 1, 2, 1] },
};

/**
 * Returns whether a backend's gradient uses the given output: then that of all keys makes the gradient over a part of
 * them. A backend that recomputes the output, as the contract allows, gets such problems whole.
 */
export async function givesPartGradients({
  capabilities,
  supports,
  compile,
}: AttentionBackend): Promise<boolean> {
  if (!capabilities.features.includes('gradient') || !capabilities.dtypes.includes('float32')) return false;
  const none = new AbortController().signal;
  const dOutput: Tensor = { dtype: 'float32', shape: [1, 1, 1, 1], data: new Float32Array([1]) };
  const over = async (
    start: number,
    end: number,
    whole: { output?: Tensor; statistics?: Statistics },
  ): Promise<{ problem: AttentionProblem; dQuery: number; output: Tensor; statistics: Statistics }> => {
    const cut = ({ data }: { data: Float32Array }) => ({
      data: data.slice(start, end),
      shape: [1, 1, end - start, 1],
    });
    const request = {
      query: ROW.query,
      key: cut(ROW.key),
      value: cut(ROW.value),
      gradient: true,
      statistics: true,
    };
    const { problem, inputs } = resolveRequest(request);
    const kernel = await compile(problem);
    try {
      const { output, statistics } = await kernel.run(inputs);
      const { dQuery } = await gradientOf(kernel, inputs, { dOutput, ...whole }, none);
      return { problem, dQuery: dQuery.data[0]!, output: output!, statistics: statistics! };
    } finally {
      await kernel.dispose();
    }
  };
  const { problem, dQuery, output, statistics } = await over(0, 2, {});
  if (!supports(problem).supported) return false;
  const parts = [await over(0, 1, { output, statistics }), await over(1, 2, { output, statistics })];
  return Math.abs(parts[0]!.dQuery + parts[1]!.dQuery - dQuery) < 1e-4 * Math.abs(dQuery);
}

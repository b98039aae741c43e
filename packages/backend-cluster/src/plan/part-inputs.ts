import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import { visibleKeys } from '@heed/core/backend';
import type { ClusterTensor } from '../memory/cluster-tensor.ts';
import { sliceOf } from '../memory/slices.ts';
import type { TaskInputs, TaskTensor } from '../run/protocol.ts';
import type { KeyPart } from './parts.ts';

/** The axis of keys in each input that has one, in its full rank. */
function keyAxis(
  name: string,
  problem: AttentionProblem,
  tensor: { readonly shape: readonly number[] },
): number | null {
  switch (name) {
    case 'key':
    case 'value':
    case 'keyScales':
    case 'valueScales':
      return problem.layout === 'bhld' ? 2 : 1;
    case 'keySegments':
      return 1;
    case 'mask':
    case 'bias': {
      const length = problem[name]?.shape[3];
      const isAlong =
        tensor.shape.length > 0 && tensor.shape.at(-1) === length && length === problem.keyLength;
      return isAlong ? tensor.shape.length - 1 : null;
    }
    default:
      return null;
  }
}

/** Returns the inputs of a task for one worker, over all keys. */
export function wholeInputs(
  problem: AttentionProblem,
  { seed, origin, ...inputs }: AttentionInputs<ClusterTensor>,
): TaskInputs {
  return {
    ...Object.fromEntries(tensorsOf(problem, inputs).map(([name, value]) => [name, taskTensor(value)])),
    ...(seed !== undefined && { seed }),
    ...(origin !== undefined && { origin }),
  };
}

/** The inputs of one part of the keys: slices, and lengths and offsets as they are seen from its first key. */
export function partInputs(
  problem: AttentionProblem,
  inputs: AttentionInputs<ClusterTensor>,
  part: KeyPart,
): TaskInputs {
  const { seed, origin, ...tensors } = inputs;
  const result: Record<string, TaskInputs[string]> = {};
  if (seed !== undefined) {
    const { batch, head, query, key } = origin ?? { batch: 0, head: 0, query: 0, key: 0 };
    Object.assign(result, { seed, origin: { batch, head, query, key: key + part.start } });
  }
  for (const [name, value] of tensorsOf(problem, tensors)) {
    if (name === 'offsets') continue;
    if (name === 'sinks' && part.start > 0) continue;
    const axis = keyAxis(name, problem, value);
    result[name] = axis === null ? taskTensor(value) : taskSlice(value, axis, part);
  }
  const { keyLengths, keyStarts } = inputs;
  const fromPart = (key: number): number => Math.min(Math.max(key - part.start, 0), part.end - part.start);
  if (keyLengths !== undefined) result['keyLengths'] = mapped(keyLengths, fromPart);
  if (keyStarts !== undefined) result['keyStarts'] = mapped(keyStarts, fromPart);
  if (problem.alignment !== null) {
    const visible = visibleKeys(problem, inputs as never);
    const offsets = Int32Array.from({ length: problem.batch }, (_, b) =>
      // The least int32 is as far to the left as any.
      Math.max(visible.offset(b) - part.start, -(2 ** 31)),
    );
    result['offsets'] = { dtype: 'int32', shape: [problem.batch], data: offsets };
  }
  return result;
}

/** The tensors among the inputs, each once: a value inside of its key is the key. */
function tensorsOf(
  { valueFromKey }: AttentionProblem,
  inputs: Omit<AttentionInputs<ClusterTensor>, 'seed' | 'origin'>,
): [name: string, value: ClusterTensor | Tensor][] {
  return Object.entries(inputs).filter(
    ([name, value]) => value !== undefined && !(name === 'value' && valueFromKey !== null),
  );
}

/** Describes a tensor for a task. Plain ones, which engines read on the host, go as they are. */
export function taskTensor(value: ClusterTensor | Tensor): TaskTensor {
  if (!('kind' in value)) return value;
  return value.kind === 'local' ? value.tensor : value.described();
}

/** Slices of a tensor for a task. */
export function taskSlice(value: ClusterTensor | Tensor, axis: number, { start, end }: KeyPart): TaskTensor {
  if (!('kind' in value)) return sliceOf(value, axis, start, end);
  return value.kind === 'local'
    ? sliceOf(value.tensor, axis, start, end)
    : value.described({ axis, start, end });
}

function mapped({ dtype, shape, data }: Tensor<'int32'>, change: (value: number) => number): Tensor {
  return { dtype, shape, data: data.map(change) };
}

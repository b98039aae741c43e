import type { InferenceSession, OnnxValue as OrtValue, Tensor as OrtTensor } from 'onnxruntime-node';
import { type OnnxOperator, type OnnxValue, fromRows, onnxModel, toRows } from '@heed/peers';
import type { Contestant, PreparedContestant, WorkloadResults } from '../contestant.ts';
import { additivePairs, attendedPairs } from '../workload/pairs.ts';
import type { WorkloadRequest } from '../workload/request.ts';
import type { Workload } from '../workload/workload.ts';
import { refuse } from './unsupported.ts';

/** Common interface of `onnxruntime-node` and `onnxruntime-web`. */
export interface Runtime {
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof OrtTensor;
}

/** An operator with its inputs. */
interface Task {
  readonly model: OnnxOperator;
  readonly feeds: Readonly<Record<string, Float32Array | Uint8Array>>;
  readonly read: (output: Float32Array) => WorkloadResults;
}

export type TaskOf = (workload: Workload, request: WorkloadRequest) => Task;

/** `Attention` of the ONNX standard, opset 23: masks and causal in the operator, key/value heads as they are. */
export const attention23: TaskOf = (workload, { query, key, value }) => {
  refuse('ONNX Runtime', workload, { gradient: true });
  const { batch, heads, queryLength, keyLength, valueDim, causal, window, mask } = workload;
  // Its causal mask is aligned top left.
  const own = causal && window === null && !mask && queryLength === keyLength;
  const pairs = own || queryLength === 1 ? null : attendedPairs(workload);
  const output = { name: 'Y', type: 'float32', shape: [batch, heads, queryLength, valueDim] } as const;
  const inputs: OnnxValue[] = [
    { name: 'Q', type: 'float32', shape: query.shape },
    { name: 'K', type: 'float32', shape: key.shape },
    { name: 'V', type: 'float32', shape: value.shape },
    ...(pairs ? [{ name: 'attn_mask', type: 'bool', shape: [queryLength, keyLength] } as const] : []),
  ];
  return {
    model: {
      operator: 'Attention',
      domain: '',
      version: 23,
      attributes: { integers: own ? { is_causal: 1 } : {} },
      inputs,
      outputs: [output],
    },
    feeds: { Q: query.data, K: key.data, V: value.data, ...(pairs && { attn_mask: pairs }) },
    read: (data) => ({ output: { dtype: 'float32', shape: output.shape, data } }),
  };
};

/** ONNX Runtime's own `MultiHeadAttention`: rows of all heads side by side, additive masks. */
export const multiHeadAttention: TaskOf = (workload, { query, key, value }) => {
  refuse('MultiHeadAttention', workload, { gqa: true, gradient: true });
  const { batch, heads, queryLength, keyLength, valueDim, causal, window, mask } = workload;
  const own = causal && window === null && !mask && queryLength === keyLength;
  const pairs = own || queryLength === 1 ? null : additivePairs(workload);
  const [q, k, v] = [query, key, value].map(toRows);
  const output = { name: 'Y', type: 'float32', shape: [batch, queryLength, heads * valueDim] } as const;
  const bias = pairs && ({ name: 'bias', type: 'float32', shape: [1, 1, queryLength, keyLength] } as const);
  const inputs: (OnnxValue | null)[] = [
    { name: 'Q', type: 'float32', shape: q!.shape },
    { name: 'K', type: 'float32', shape: k!.shape },
    { name: 'V', type: 'float32', shape: v!.shape },
    // No bias of the projections, no key padding mask.
    ...(bias ? [null, null, bias] : []),
  ];
  const attributes = { integers: { num_heads: heads, ...(own && { unidirectional: 1 }) } };
  return {
    model: {
      operator: 'MultiHeadAttention',
      domain: 'com.microsoft',
      version: 1,
      attributes,
      inputs,
      outputs: [output],
    },
    feeds: { Q: q!.data, K: k!.data, V: v!.data, ...(pairs && { bias: pairs }) },
    read: (data) => ({ output: fromRows(data, [batch, heads, queryLength, valueDim]) }),
  };
};

/** A contestant that computes one operator on a runtime. */
export function onnxContestant(
  name: string,
  probe: Contestant['probe'],
  load: (threads: number) => Promise<{ runtime: Runtime; provider: string; device: string; threads: number }>,
  taskOf: TaskOf,
): Contestant {
  return {
    name,
    probe,
    async prepare(workload, request, settings) {
      const { runtime, provider, device, threads } = await load(settings.threads);
      return prepareOn(
        runtime,
        taskOf(workload, request),
        { device, threads },
        {
          executionProviders: [provider],
          intraOpNumThreads: threads,
          interOpNumThreads: 1,
          logSeverityLevel: 3,
        },
      );
    },
  };
}

async function prepareOn(
  { InferenceSession: Session, Tensor }: Runtime,
  { model, feeds, read }: Task,
  about: Pick<PreparedContestant, 'device' | 'threads'>,
  options: InferenceSession.SessionOptions,
): Promise<PreparedContestant> {
  const session = await Session.create(onnxModel(model), options);
  const tensors = Object.fromEntries(
    model.inputs.flatMap((input) =>
      input === null
        ? []
        : [[input.name, new Tensor(input.type as 'float32', feeds[input.name] as Float32Array, input.shape)]],
    ),
  );
  let output: OrtValue | null = null;
  return {
    ...about,
    async run() {
      output = (await session.run(tensors))['Y']!;
    },
    results: async () => read(output!.data as Float32Array),
    dispose: () => session.release(),
  };
}

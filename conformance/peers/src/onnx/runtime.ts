import { type AttentionResults, type Availability, HeedError, type Tensor, tensor } from '@heed/core';
import type { InferenceSession, OnnxValue as OrtValue, Tensor as OrtTensor } from 'onnxruntime-node';
import type { OpenPeer } from '../peer.ts';
import { type OnnxOperator, type OnnxType, onnxModel } from './onnx-model.ts';

/** The parts of `onnxruntime-node` and `onnxruntime-web` that a peer needs. */
export interface Runtime {
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof OrtTensor;
}

/** One operator, the numbers of its inputs by name, and the names of its outputs by those of the contract. */
export interface OnnxTask {
  readonly model: OnnxOperator;
  readonly feeds: Readonly<Record<string, OnnxData>>;
  readonly results: Readonly<Record<string, string>>;
  /** Brings an output into the contract's layout. Default: it has it. */
  readonly read?: (output: Tensor) => Tensor;
}

export type OnnxData = Tensor['data'] | BigInt64Array;

const ORT_TYPES: Readonly<Record<string, OnnxType>> = {
  float16: 'float16',
  float32: 'float32',
  float64: 'float64',
  bool: 'bool',
};

/** The element type of a tensor in the standard's words. */
export const onnxTypeOf = ({ dtype }: Pick<Tensor, 'dtype'>): OnnxType => ORT_TYPES[dtype] ?? 'int32';

/** Runs a task on a runtime: a session for each, since shapes are part of the model. */
export async function runTask(
  { InferenceSession: Session, Tensor: Value }: Runtime,
  provider: string,
  { model, feeds, results, read = (output) => output }: OnnxTask,
): Promise<Record<string, Tensor>> {
  const session = await Session.create(onnxModel(model), {
    executionProviders: [provider],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  try {
    const values = model.inputs.flatMap((input) =>
      input === null
        ? []
        : [[input.name, new Value(input.type as 'float32', feeds[input.name] as Float32Array, input.shape)]],
    );
    const outputs = await session.run(Object.fromEntries(values) as Record<string, OrtValue>);
    const named = Object.entries(results).map(([name, from]) => {
      return [name, read(tensorOf(outputs[from]!))];
    });
    return Object.fromEntries(named) as Record<string, Tensor>;
  } finally {
    await session.release();
  }
}

/** A copy: the runtime's memory ends with its session. Its float16 is a `Float16Array` where the engine has one. */
function tensorOf({ type, data, dims }: OrtValue): Tensor {
  if (type !== 'float16') return tensor((data as Float32Array).slice(), dims) as Tensor;
  const { buffer, byteOffset, length } = data as Uint16Array;
  return { dtype: 'float16', shape: dims, data: new Uint16Array(buffer, byteOffset, length).slice() };
}

/** Returns whether a module can be imported. */
export async function importable(name: string, load: () => Promise<unknown>): Promise<Availability> {
  try {
    await load();
    return { available: true };
  } catch (error) {
    return {
      available: false,
      reason: `${name} cannot be imported: ${error instanceof Error ? error.message : String(error)}`,
      remedy: `npm install ${name}`,
    };
  }
}

/** A runtime whose tasks run one after another: sessions of `onnxruntime-web` share one module. */
export function openRuntime(
  version: string,
  runtime: Runtime,
  provider: string,
  taskOf: (...of: Parameters<OpenPeer['attend']>) => OnnxTask,
): OpenPeer {
  let last: Promise<unknown> = Promise.resolve();
  return {
    version,
    attend(problem, inputs) {
      const run = async (): Promise<AttentionResults> => {
        try {
          const results = await runTask(runtime, provider, taskOf(problem, inputs));
          return Object.fromEntries(problem.outputs.map((name) => [name, results[name]])) as AttentionResults;
        } catch (error) {
          throw new HeedError('ENGINE', error instanceof Error ? error.message : String(error), {
            cause: error,
            remedy: 'compare the problem with what the operator takes in this version of ONNX Runtime',
          });
        }
      };
      const results = last.then(run);
      last = results.catch(() => undefined);
      return results;
    },
    close: async () => undefined,
  };
}

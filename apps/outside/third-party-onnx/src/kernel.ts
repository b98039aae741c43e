import type { AttentionInputs, AttentionProblem, AttentionResults, Tensor } from '@heed/core';
import { type KernelDefinition, broadcastStrides, zeros } from '@heed/core/backend';
import type * as Ort from 'onnxruntime-web';
import { type ModelValue, attentionModel, inputsOf, operatorScale, outputsOf } from './model.ts';

/** A session for a problem, kept for its runs. */
export async function compile(ort: typeof Ort, problem: AttentionProblem): Promise<KernelDefinition> {
  const plan = {
    algorithm: 'ONNX Attention-23',
    tile: { query: 1, key: 1 },
    scratchBytes: scratchBytes(problem),
  };
  if (hasNothingToCompute(problem)) return { plan, run: () => emptyResults(problem) };
  const session = await ort.InferenceSession.create(attentionModel(problem), {
    executionProviders: ['wasm'],
    logSeverityLevel: 3,
  });
  return {
    plan,
    run: inTurn((inputs) => run(ort, session, problem, inputs)),
    dispose: () => session.release(),
  };
}

/** The runtime refuses tensors without elements. Without keys every row is empty, which is 0. */
function hasNothingToCompute({
  batch,
  heads,
  queryLength,
  keyLength,
  headDim,
  valueDim,
}: AttentionProblem): boolean {
  return [batch, heads, queryLength, keyLength, headDim, valueDim].includes(0);
}

function emptyResults(problem: AttentionProblem): AttentionResults {
  return asked(problem, ({ shape }) => zeros('float32', shape));
}

/** Memory for the matrix of scores, and one of the same size for the weights. */
function scratchBytes({ batch, heads, queryLength, keyLength }: AttentionProblem): number {
  return 2 * 4 * batch * heads * queryLength * keyLength;
}

async function run(
  ort: typeof Ort,
  session: Ort.InferenceSession,
  problem: AttentionProblem,
  inputs: AttentionInputs<Tensor>,
): Promise<AttentionResults> {
  const feeds = Object.fromEntries(
    inputsOf(problem).map((value) => [
      value.name,
      new ort.Tensor(value.type, fed(problem, inputs, value), value.shape),
    ]),
  );
  const results = await session.run(feeds);
  return asked(problem, ({ name, shape }) => ({
    dtype: 'float32',
    shape,
    data: (results[name]!.data as Float32Array).slice(),
  }));
}

/** Returns the results that the problem names; the operator always computes the output. */
function asked(problem: AttentionProblem, resultOf: (value: ModelValue) => Tensor): AttentionResults {
  const values = outputsOf(problem).filter(({ name }) =>
    (problem.outputs as readonly string[]).includes(name),
  );
  return Object.fromEntries(values.map((value) => [value.name, resultOf(value)]));
}

/** Converts the numbers of an input for the operator. */
function fed(problem: AttentionProblem, inputs: AttentionInputs<Tensor>, { name }: ModelValue): Float32Array {
  if (name === 'mask') return expandedMask(problem, inputs.mask!) as Float32Array;
  const data = inputs[name as 'query' | 'key' | 'value'].data as Float32Array;
  const folded = problem.scale / operatorScale(problem);
  return name === 'query' && folded !== 1 ? data.map((x) => x * folded) : data;
}

/** Expands the mask to a number for each query and key. A boolean of the runtime is 0 or 1. */
function expandedMask(
  { mask, queryLength, keyLength }: AttentionProblem,
  { data }: Tensor,
): Float32Array | Uint8Array {
  const [batches, heads] = mask!.shape;
  const [batchStride, headStride, queryStride, keyStride] = broadcastStrides(mask!.shape);
  const size = batches * heads * queryLength * keyLength;
  const expanded = mask!.kind === 'boolean' ? new Uint8Array(size) : new Float32Array(size);
  let at = 0;
  for (let b = 0; b < batches; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queryLength; i++) {
        const row = b * batchStride + h * headStride + i * queryStride;
        for (let j = 0; j < keyLength; j++) {
          const value = data[row + j * keyStride]!;
          expanded[at++] = mask!.kind === 'boolean' ? Number(value !== 0) : value;
        }
      }
    }
  }
  return expanded;
}

/** Queues runs: a session does one at a time. */
function inTurn<A, R>(work: (argument: A) => Promise<R>): (argument: A) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve();
  return (argument) => {
    const next = last.then(() => work(argument));
    last = next.catch(() => undefined);
    return next;
  };
}
